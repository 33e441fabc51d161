// vpasswd: a new password for a virtual user. vpasswd(1).

import { asciiLower } from '@q/bytes';
import { Permanent } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { withTable } from '@q/vmail-domain';
import { fieldFor } from './hash-field.ts';
import { askNewPassword } from './prompt.ts';
import { reasonOf, runTool } from './tool.ts';

const UNKNOWN = 'Invalid or unknown virtual user';

/** Exit code 0, or 1 when nothing was changed. */
export function vpasswdMain(invocation: Invocation): Promise<number> {
  return runTool('vpasswd', invocation, async (tool) => {
    const name = asciiLower(mailText(invocation.args[0] ?? ''));
    try {
      if (!withTable(tool.domain, (table) => table.has(name))) throw new Permanent(UNKNOWN);
      const password = await askNewPassword(tool.name, tool.output);
      if (password === undefined) return false;
      const field = fieldFor(password, invocation.options);
      await tool.domain.update((draft) => {
        const user = draft.get(name);
        if (user === undefined) throw new Permanent(UNKNOWN);
        draft.set(name, { ...user, password: field });
      });
    } catch (error) {
      tool.complain(`error changing the password for user '${name}':\n  ${reasonOf(error)}`, name);
      return false;
    }
    tool.status(`password for user '${name}' successfully changed.`, name);
    return true;
  });
}
