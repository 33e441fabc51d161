// Gives a user another name: the record, the directory, and the forwards of others that lead there.
//
// The steps are those of move-mailbox.ts. A run that was cut short between 2 and 4 is finished by vrehash(1).

import { posix } from 'node:path';
import { asciiLower } from '@q/bytes';
import { Permanent } from '@q/fault';
import { type Draft, userDefaults, type VirtualUser } from '@q/vmailmgr';
import type { Domain } from './domain.ts';
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
  const move = await domain.update(async (draft) => {
    const user = draft.get(oldName);
    if (user === undefined) throw new Permanent(`User '${oldName}' does not exist`);
    if (draft.has(newName)) throw new Permanent(`User '${newName}' already exists`);
    const planned = plan(domain, user, newName);
    if (planned !== undefined) {
      linkMailbox(planned);
      await syncMoves([planned], userDir);
    }
    try {
      rename(draft, asciiLower(oldName), asciiLower(newName), planned?.to ?? user.directory);
      if (options.alias) draft.set(oldName, aliasTo(domain, asciiLower(newName)));
    } catch (error) {
      if (planned !== undefined) unlinkMailbox(planned);
      throw error;
    }
    return planned;
  });
  if (move === undefined) return false;
  // Under the lock again: nobody deletes the user while its directory has two names.
  const moved = await domain.update((draft) =>
    draft.get(newName)?.directory === move.to ? settleMailbox(move) : false,
  );
  await syncMoves([move], userDir);
  return moved;
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
    const user = draft.get(name);
    if (user === undefined) continue;
    const forwards = user.forwards.map((to) => (asciiLower(to) === oldName ? newName : to));
    const followed = forwards.some((to, i) => to !== user.forwards[i]);
    if (name === oldName) {
      draft.delete(oldName);
      draft.set(newName, { ...user, forwards, directory });
    } else if (followed) draft.set(name, { ...user, forwards });
  }
}

function aliasTo(domain: Domain, target: string): VirtualUser {
  return { ...userDefaults(domain.settings), forwards: [target] };
}
