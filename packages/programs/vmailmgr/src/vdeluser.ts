// vdeluser: takes users out of a virtual domain. vdeluser(1).

import { type Invocation, mailText } from '@q/proc';
import { deleteUsers } from '@q/vmail-domain';
import { openProgress } from './bulk.ts';
import { runTool } from './tool.ts';

/** Exit code 0, or 1 when there were errors. */
export function vdeluserMain(invocation: Invocation): Promise<number> {
  return runTool('vdeluser', invocation, async (tool) => {
    const names = invocation.args.map(mailText);
    const aliasesOnly = invocation.options['no-mailbox'] === true;
    const progress = openProgress(tool);
    const deletions = await deleteUsers(tool.domain, names, aliasesOnly, (gone) =>
      progress.show(`${gone} of ${names.length} deleted`),
    );
    progress.clear();
    let errors = 0;
    for (const { name, refused } of deletions) {
      if (refused === undefined) tool.status(`user '${name}' successfully deleted.`, name);
      else {
        tool.complain(`error deleting user '${name}':\n  ${refused}`, name);
        errors++;
      }
    }
    if (errors > 0) tool.complain(`${errors} errors were encountered.`);
    return errors === 0;
  });
}
