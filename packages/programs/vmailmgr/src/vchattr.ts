// vchattr: changes one attribute of users of a virtual domain. vchattr(1).

import { asciiLower } from '@q/bytes';
import { Permanent } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { ATTRIBUTES, type Attribute, withAttribute } from '@q/vmail-domain';
import type { Draft } from '@q/vmailmgr';
import { reasonOf, runTool, type Tool } from './tool.ts';

/** An exit code is one byte, and 0 means success: so many errors or more are all this one. */
const MOST_ERRORS = 255;

/** The exit code is the number of errors. */
export async function vchattrMain(invocation: Invocation): Promise<number> {
  let errors = 1;
  await runTool('vchattr', invocation, async (tool) => {
    const attribute = chosen(tool, invocation.options);
    if (attribute === undefined) return false;
    const [value = '', ...names] = invocation.args.map(mailText);
    errors = await changeAll(tool, attribute, value, names.map(asciiLower));
    return true;
  });
  return Math.min(errors, MOST_ERRORS);
}

function chosen(tool: Tool, options: Invocation['options']): Attribute | undefined {
  const given = ATTRIBUTES.filter((attribute) => options[attribute] === true);
  if (given.length === 1) return given[0];
  tool.complain(
    given.length === 0
      ? 'Must select an attribute to change.'
      : 'Must select one attribute to change.',
  );
  return undefined;
}

/** All users in one change of the table. Gives the number of errors. */
async function changeAll(
  tool: Tool,
  attribute: Attribute,
  value: string,
  names: readonly string[],
): Promise<number> {
  let outcomes: (string | undefined)[];
  try {
    outcomes = await tool.domain.update((draft) =>
      names.map((name) => change(draft, name, attribute, value)),
    );
  } catch (error) {
    outcomes = names.map(() => reasonOf(error));
  }
  for (const [i, trouble] of outcomes.entries()) {
    const name = names[i];
    if (trouble === undefined)
      tool.status(`attribute for user '${name}' successfully changed.`, name);
    else tool.complain(`error changing the attribute for user '${name}':\n  ${trouble}`, name);
  }
  return outcomes.filter((trouble) => trouble !== undefined).length;
}

function change(
  draft: Draft,
  name: string,
  attribute: Attribute,
  value: string,
): string | undefined {
  try {
    const user = draft.get(name);
    if (user === undefined) throw new Permanent('Invalid or unknown virtual user');
    draft.set(name, withAttribute(user, attribute, value));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}
