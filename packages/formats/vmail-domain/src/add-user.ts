// Adds a user to a virtual domain: a directory and a record.
//
// Both under the table's lock: 1 the directory, 2 the record. A crash between them leaves an empty maildir
// without a record, which the next addition of that name takes over; no record is without its maildir.

import { posix } from 'node:path';
import { Permanent } from '@q/fault';
import type { Draft, VirtualUser } from '@q/vmailmgr';
import type { Domain } from './domain.ts';
import { isFreshMailbox, makeMailbox } from './make-mailbox.ts';
import { isSetAside } from './remove-mailbox.ts';

/**
 * Adds `user` as `name`, which is to have passed checkUserName. False when there is a record of that name.
 * Throws Permanent when the directory cannot be made.
 */
export function addUser(domain: Domain, name: string, user: VirtualUser): Promise<boolean> {
  return domain.update((draft) => addInDraft(draft, name, user));
}

/** The same as a part of a larger change. `ready`: what `prepareDirectory` said of this user's directory. */
export async function addInDraft(
  draft: Draft,
  name: string,
  user: VirtualUser,
  ready = false,
): Promise<boolean> {
  if (draft.has(name)) return false;
  const kind = user.hasMailbox ? 'maildir' : 'plain';
  if (!ready || !isFreshMailbox(user.directory, kind)) await makeMailbox(user.directory, kind);
  draft.set(name, user);
  return true;
}

/**
 * Makes the directory of a user who will be added soon, before the table is locked for that. False when it could
 * not be made: it is tried again under the lock, where nobody else can be the reason.
 */
export async function prepareDirectory(user: VirtualUser): Promise<boolean> {
  try {
    await makeMailbox(user.directory, user.hasMailbox ? 'maildir' : 'plain');
    return true;
  } catch {
    return false;
  }
}

/** `directory`, if a record may have it: below the home, and no name of a deletion. Throws Permanent else. */
export function checkedDirectory(directory: string): string {
  const path = posix.normalize(directory).replace(/\/+$/, '');
  const outside = path === '.' || path === '..' || path.startsWith('../') || path.startsWith('/');
  if (outside || path.includes('\0') || isSetAside(path))
    throw new Permanent(`Can't create the mail directory '${directory}'`);
  return directory;
}
