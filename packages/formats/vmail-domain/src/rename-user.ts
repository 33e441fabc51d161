// Gives a user another name: the record, the directory, and the forwards of others that lead there.
//
// The steps are those of move-mailbox.ts. A run that was cut short between 2 and 4 is finished by vrehash(1).

import { posix } from 'node:path';
import { asciiLower } from '@q/bytes';
import { Permanent } from '@q/fault';
import { type Draft, userDefaults, type VirtualUser } from '@q/vmailmgr';
import { type Domain, withTable } from './domain.ts';
import { linkMailbox, type Move, settleMailbox, syncMoves, unlinkMailbox } from './move-mailbox.ts';
import { checkUserName } from './names.ts';
import { isBelow } from './remove-mailbox.ts';

export interface RenameOptions {
  /** Leave an alias of the old name. */
  readonly alias: boolean;
}

/**
 * Renames `oldName` to `newName`. True when the directory has its new name too; false when it is reached by a link,
 * or was no directory of the usual place and has kept its name. Throws Permanent when nothing was done.
 */
export async function renameUser(
  domain: Domain,
  oldName: string,
  newName: string,
  options: RenameOptions,
): Promise<boolean> {
  checkUserName(newName);
  const userDir = domain.settings.directory('user-dir');
  let move: Move | undefined;
  try {
    await domain.update(async (draft) => {
      const user = draft.get(oldName);
      if (user === undefined) throw new Permanent(`User '${oldName}' does not exist`);
      if (draft.has(newName)) throw new Permanent(`User '${newName}' already exists`);
      move = plan(domain, user, newName);
      if (move !== undefined) {
        linkMailbox(move);
        await syncMoves([move], userDir);
      }
      rename(draft, asciiLower(oldName), asciiLower(newName), move?.to ?? user.directory);
      if (options.alias) draft.set(oldName, aliasTo(domain, asciiLower(newName)));
    });
  } catch (error) {
    if (move !== undefined && !isUsed(domain, newName)) unlinkMailbox(move);
    throw error;
  }
  return move === undefined ? false : settle(domain, newName, move);
}

/** Under the lock again: nobody deletes the user while its directory has two names. */
async function settle(domain: Domain, name: string, move: Move): Promise<boolean> {
  const moved = await domain.update((draft) =>
    draft.get(name)?.directory === move.to ? settleMailbox(move) : false,
  );
  await syncMoves([move], domain.settings.directory('user-dir'));
  return moved;
}

/** A change can fail after it was made, when the directory cannot be synced. Not knowing counts as yes. */
function isUsed(domain: Domain, name: string): boolean {
  try {
    return withTable(domain, (table) => table.has(name));
  } catch {
    return true;
  }
}

/** Undefined for a directory that is not in the usual place, or already has the right name. */
function plan(domain: Domain, user: VirtualUser, newName: string): Move | undefined {
  const to = domain.directoryOf(newName);
  if (user.directory === '' || !isBelow(user.directory, domain.settings.directory('user-dir')))
    return undefined;
  return posix.normalize(user.directory) === posix.normalize(to)
    ? undefined
    : { from: user.directory, to };
}

/** Forwards without a domain are names of users: those to the old name follow it. */
function rename(draft: Draft, oldName: string, newName: string, directory: string): void {
  for (const name of draft.names()) {
    const user = name === oldName ? draft.get(name) : readable(draft, name);
    if (user === undefined) continue;
    const forwards = user.forwards.map((to) => (asciiLower(to) === oldName ? newName : to));
    const followed = forwards.some((to, i) => to !== user.forwards[i]);
    if (name === oldName) {
      draft.delete(oldName);
      draft.set(newName, { ...user, forwards, directory });
    } else if (followed) draft.set(name, { ...user, forwards });
  }
}

/** An unreadable record of somebody else stays as it is. */
function readable(draft: Draft, name: string): VirtualUser | undefined {
  try {
    return draft.get(name);
  } catch {
    return undefined;
  }
}

function aliasTo(domain: Domain, target: string): VirtualUser {
  return { ...userDefaults(domain.settings), forwards: [target] };
}
