// vrenuser: gives a user of a virtual domain another name. vrenuser(1).

import { type Invocation, mailText } from '@q/proc';
import { renameUser } from '@q/vmail-domain';
import { reasonOf, runTool } from './tool.ts';

/** Exit code 0, or 1 when nothing was changed. */
export function vrenuserMain(invocation: Invocation): Promise<number> {
  return runTool('vrenuser', invocation, async (tool) => {
    const [oldName = '', newName = ''] = invocation.args.map(mailText);
    const alias = invocation.options.alias === true;
    try {
      await renameUser(tool.domain, oldName, newName, { alias });
    } catch (error) {
      tool.complain(`error renaming user '${oldName}':\n  ${reasonOf(error)}`, oldName);
      return false;
    }
    tool.status(`user '${oldName}' successfully renamed to '${newName}'.`, oldName);
    return true;
  });
}
