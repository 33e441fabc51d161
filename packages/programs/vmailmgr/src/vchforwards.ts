// vchforwards: replaces the forwarding addresses of a user of a virtual domain. vchforwards(1).

import { asciiLower } from '@q/bytes';
import { type Invocation, mailText } from '@q/proc';
import { checkForward } from '@q/vmail-domain';
import type { Draft } from '@q/vmailmgr';
import { reasonOf, runTool } from './tool.ts';

/** Exit code 0, or 1 when nothing was changed. */
export function vchforwardsMain(invocation: Invocation): Promise<number> {
  return runTool('vchforwards', invocation, async (tool) => {
    const [word = '', ...forwards] = invocation.args.map(mailText);
    const name = asciiLower(word);
    let trouble: string | undefined;
    try {
      trouble = await tool.domain.update((draft) => replace(draft, name, forwards));
    } catch (error) {
      trouble = `Could not change user '${name}':\n  ${reasonOf(error)}`;
    }
    if (trouble === undefined) tool.status(`User '${name}' successfully changed.`, name);
    else tool.complain(trouble, name);
    return trouble === undefined;
  });
}

/** Undefined when they were replaced; else why not, and the draft is unchanged. */
function replace(draft: Draft, name: string, forwards: readonly string[]): string | undefined {
  const user = draft.get(name);
  if (user === undefined) return `User '${name}' does not exist.`;
  for (const address of forwards) {
    try {
      checkForward(address, (target) => draft.has(target));
    } catch (error) {
      return `error with forwarding address '${address}':\n  ${reasonOf(error)}`;
    }
  }
  draft.set(name, { ...user, forwards });
  return undefined;
}
