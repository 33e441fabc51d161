// Takes users out of a virtual domain, with their directories.
//
//   1 all records in one change of the table, on the disk   crash before: nothing happened
//   2 each directory renamed to users/.deleted.*            crash before: a directory without a record
//   3 emptied and removed                                   crash before: the next deletion does it

import { textOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import { type Draft, decodeRecord, type Table } from '@q/vmailmgr';
import { type Domain, withTable } from './domain.ts';
import { overlap, removeMailbox, sweepDeleted } from './remove-mailbox.ts';

/** Why a user was not deleted, or not all of it; VMailMgr's words. */
const NO_USER = 'User does not exist';
const MAILBOX = 'User has a mailbox';
const NO_TABLE = "Couldn't delete user from the password file";
const NO_DIRECTORY = "Couldn't delete user's directory";

export interface Deletion {
  readonly name: string;
  /** Undefined when all went well; else the reason, in one or two lines. */
  readonly refused: string | undefined;
}

/** A user on the way out: the directory to delete ('' for none), or why not. */
type Verdict =
  | { readonly name: string; readonly directory: string }
  | { readonly name: string; readonly refused: string };

/**
 * Deletes `names`, one deletion each in their order. With `aliasesOnly` users with a mailbox stay. `progress` hears how
 * many directories are gone.
 */
export async function deleteUsers(
  domain: Domain,
  names: readonly string[],
  aliasesOnly = false,
  progress: (gone: number) => void = () => {},
): Promise<readonly Deletion[]> {
  const userDir = domain.settings.directory('user-dir');
  const verdicts = await deleteRecords(domain, names, aliasesOnly);
  const deletions = verdicts.map((verdict, i) => {
    progress(i);
    return finish(verdict, userDir);
  });
  sweepDeleted(userDir);
  return deletions;
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
    return names.map((name) => ({ name, refused: because(NO_TABLE, error) }));
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
    return { name, refused: because(NO_DIRECTORY, error) };
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

function finish(verdict: Verdict, userDir: string): Deletion {
  const { name } = verdict;
  if ('refused' in verdict) return verdict;
  try {
    if (verdict.directory !== '') removeMailbox(verdict.directory, userDir);
    return { name, refused: undefined };
  } catch (error) {
    return { name, refused: because(NO_DIRECTORY, error) };
  }
}

function because(what: string, error: unknown): string {
  return `${what}\n  ${faultOf(error, 'internal error').message}`;
}
