// vpasswds: new passwords for the users on standard input. vpasswds(1).

import { asciiLower } from '@q/bytes';
import { Permanent } from '@q/fault';
import type { Invocation } from '@q/proc';
import { withTable } from '@q/vmail-domain';
import type { Draft } from '@q/vmailmgr';
import { type BulkLine, bulk, wordsOf } from './bulk.ts';
import { fieldMaker } from './hash-field.ts';
import { reasonOf, runTool, type Tool } from './tool.ts';

const UNKNOWN = 'Invalid or unknown virtual user';

type Prepared =
  | { readonly say: string; readonly name?: string }
  | { readonly name: string; readonly field: string };

/** Exit code 0, or 1 when there were errors. */
export function vpasswdsMain(invocation: Invocation): Promise<number> {
  return runTool('vpasswds', invocation, (tool) => {
    const fieldOf = fieldMaker(invocation.options);
    return bulk(tool, {
      prepare: (line) => prepare(tool, line, fieldOf),
      store: (prepared) => store(tool, prepared),
    });
  });
}

async function prepare(
  tool: Tool,
  line: BulkLine,
  fieldOf: (word: string) => Promise<string>,
): Promise<Prepared> {
  const [word, password] = wordsOf(line.text);
  if (word === undefined || password === undefined || line.overlong)
    return { say: `invalid line, ignoring:\n  ${line.text}` };
  const name = asciiLower(word);
  try {
    if (!withTable(tool.domain, (table) => table.has(name))) throw new Permanent(UNKNOWN);
    return { name, field: await fieldOf(password) };
  } catch (error) {
    return { say: failed(name, error), name };
  }
}

/** All of them in one change of the table. Gives the number of errors. */
async function store(tool: Tool, prepared: readonly Prepared[]): Promise<number> {
  let outcomes: (string | undefined)[];
  try {
    outcomes = await tool.domain.update((draft) => prepared.map((line) => change(draft, line)));
  } catch (error) {
    outcomes = prepared.map((line) => ('say' in line ? line.say : failed(line.name, error)));
  }
  for (const [i, trouble] of outcomes.entries()) {
    const line = prepared[i];
    if (trouble !== undefined) tool.complain(trouble, line?.name);
    else tool.status(`password for user '${line?.name}' successfully changed.`, line?.name);
  }
  return outcomes.filter((trouble) => trouble !== undefined).length;
}

/** Undefined when all is well. */
function change(draft: Draft, line: Prepared): string | undefined {
  if ('say' in line) return line.say;
  const { name, field } = line;
  try {
    const user = draft.get(name);
    if (user === undefined) throw new Permanent(UNKNOWN);
    draft.set(name, { ...user, password: field });
    return undefined;
  } catch (error) {
    return failed(name, error);
  }
}

function failed(name: string, error: unknown): string {
  return `error changing the password for user '${name}':\n  ${reasonOf(error)}`;
}
