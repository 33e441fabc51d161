// What an account's Maildir needs at login and logout: old messages of Trash and other folders removed (IMAP_EMPTYTRASH),
// and what crashes left over.

import { unlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf, faultOf } from '@q/fault';
import {
  type Entry,
  entryPath,
  type Removed,
  recordRemoved,
  scanMaildir,
  statEntrySync,
} from '@q/maildir';
import { withLock } from './account-lock.ts';
import { Home } from './home.ts';
import { LOOK_BATCH } from './limits.ts';
import { sweepFolders } from './make-folder.ts';

export interface TidyOptions {
  /** Seconds that messages stay in these folders, by folder name with "." between the levels: IMAP_EMPTYTRASH. */
  readonly emptyTrash: ReadonlyMap<string, number>;
  /** Unix time in milliseconds. */
  readonly now?: number;
}

/**
 * Gives how many messages were removed. A message's age is that of its last change of status (ctime), which is when
 * it was moved or copied there, or flagged last. A folder that is not there is passed over. Throws a fault when another
 * cannot be read; those before it are tidied then.
 */
export async function tidyAccount(root: string, options: TidyOptions): Promise<number> {
  const { emptyTrash, now = Date.now() } = options;
  const home = new Home(root);
  let removed = 0;
  for (const [name, seconds] of emptyTrash) {
    const path = name.normalize('NFC').split('.');
    if (!home.has(path)) continue;
    const gone = await removeOlder(home.dirOf(path), now - seconds * 1000);
    removed += gone.length;
    if (home.counts(path)) recordRemoved(root, gone);
  }
  await sweepFolders(root, now);
  await withLock(root, () => home.acls.forgetUnused(now));
  return removed;
}

async function removeOlder(dir: string, before: number): Promise<readonly Removed[]> {
  const removed: Removed[] = [];
  let looks = 0;
  for (const entry of await scanMaildir(dir)) {
    const stats = statEntrySync(dir, entry);
    if (stats !== undefined && stats.ctimeMs < before && unlinkEntry(dir, entry))
      removed.push({ ...entry, bytes: stats.size });
    if (++looks % LOOK_BATCH === 0) await nextTurn();
  }
  return removed;
}

/** False when another was quicker. */
function unlinkEntry(dir: string, entry: Entry): boolean {
  try {
    unlinkSync(entryPath(dir, entry));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw faultOf(error, 'unable to remove an old message');
  }
}
