// vdeluser: takes users out of a virtual domain. vdeluser(1).
//
//   1 all records in one change of the table, on the disk   crash before: nothing happened
//   2 each directory renamed to users/.deleted.*            crash before: a directory without a record
//   3 emptied and removed                                   crash before: the next vdeluser does it

import { textOf } from '@q/bytes';
import { Permanent } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { type Draft, decodeRecord, type Table } from '@q/vmailmgr';
import { type Domain, withTable } from './domain.ts';
import { overlap, removeMailbox, sweepDeleted } from './remove-mailbox.ts';
import { reasonOf, runTool, type Tool } from './tool.ts';

/** Why a user cannot be deleted. */
const NO_USER = 'User does not exist';
const MAILBOX = 'User has a mailbox';
const NO_TABLE = "Couldn't delete user from the password file";
const NO_DIRECTORY = "Couldn't delete user's directory";

/** A user on the way out: the directory to delete ('' for none), or why not. */
type Verdict =
  | { readonly name: string; readonly directory: string }
  | { readonly name: string; readonly refused: string };

/** Exit code 0, or 1 when there were errors. */
export function vdeluserMain(invocation: Invocation): Promise<number> {
  return runTool('vdeluser', invocation, async (tool) => {
    const names = invocation.args.map(mailText);
    const aliasesOnly = invocation.options['no-mailbox'] === true;
    const userDir = tool.domain.settings.directory('user-dir');
    const verdicts = await deleteRecords(tool.domain, names, aliasesOnly);
    const errors = verdicts.filter((verdict) => !finish(tool, verdict, userDir)).length;
    sweepDeleted(userDir);
    if (errors > 0) tool.complain(`${errors} errors were encountered.`);
    return errors === 0;
  });
}

async function deleteRecords(
  domain: Domain,
  names: readonly string[],
  aliasesOnly: boolean,
): Promise<readonly Verdict[]> {
  try {
    return await domain.update((draft) => {
      const verdicts = names.map((name) => deleteRecord(draft, name, aliasesOnly));
      return withTable(domain, (table) => spareShared(table, draft, verdicts));
    });
  } catch (error) {
    return names.map((name) => ({ name, refused: `${NO_TABLE}\n  ${reasonOf(error)}` }));
  }
}

/** A record that cannot be read is deleted too: this is how one gets rid of it. Its directory is not known. */
function deleteRecord(draft: Draft, name: string, aliasesOnly: boolean): Verdict {
  if (!draft.has(name)) return { name, refused: NO_USER };
  try {
    const user = draft.get(name);
    if (aliasesOnly && user?.hasMailbox === true) return { name, refused: MAILBOX };
    draft.delete(name);
    return { name, directory: user?.directory ?? '' };
  } catch (error) {
    draft.delete(name);
    return { name, refused: `${NO_DIRECTORY}\n  ${reasonOf(error)}` };
  }
}

/** A directory that a user who stays has too, around it or in it, is not deleted. */
function spareShared(table: Table, draft: Draft, verdicts: readonly Verdict[]): readonly Verdict[] {
  const owners = new Map<string, string>();
  const doomed = verdicts.filter((v) => 'directory' in v && v.directory !== '');
  if (doomed.length === 0) return verdicts;
  for (const [key, record] of table.records()) {
    const other = textOf(key);
    if (!draft.has(other)) continue;
    const directory = directoryIn(record);
    for (const verdict of doomed)
      if ('directory' in verdict && overlap(verdict.directory, directory))
        owners.set(verdict.name, other);
  }
  return verdicts.map((verdict) => {
    const owner = owners.get(verdict.name);
    return owner === undefined || !('directory' in verdict)
      ? verdict
      : { name: verdict.name, refused: `${NO_DIRECTORY}\n  it is also that of user '${owner}'` };
  });
}

function directoryIn(record: Buffer): string {
  try {
    return decodeRecord(record).directory;
  } catch {
    return '';
  }
}

/** Deletes the directory and says how it went. */
function finish(tool: Tool, verdict: Verdict, userDir: string): boolean {
  const { name } = verdict;
  try {
    if ('refused' in verdict) throw new Permanent(verdict.refused);
    if (verdict.directory !== '') removeDirectory(verdict.directory, userDir);
  } catch (error) {
    tool.complain(`error deleting user '${name}':\n  ${reasonOf(error)}`);
    return false;
  }
  tool.status(`user '${name}' successfully deleted.`);
  return true;
}

function removeDirectory(directory: string, userDir: string): void {
  try {
    removeMailbox(directory, userDir);
  } catch (error) {
    throw new Permanent(`${NO_DIRECTORY}\n  ${reasonOf(error)}`, { cause: error });
  }
}
