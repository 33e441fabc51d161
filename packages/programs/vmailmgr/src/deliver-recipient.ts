// Whose record takes the message, and where it then goes.

import type { Settings, Table, VirtualUser } from '@q/vmailmgr';

export interface Recipient {
  /** The name of the record, which may be a part of EXT, or the catch-all's. */
  readonly name: string;
  readonly user: VirtualUser;
}

/**
 * The record for `ext`: the one of that name; else `ext` is cut at its last "-", again and again, so that
 * joe-lists-qmail reaches joe; else the catch-all of default-username. Throws Temporary when the record
 * that counts is unreadable: mail then waits for its repair.
 */
export function findRecipient(
  ext: string,
  table: Table,
  settings: Settings,
): Recipient | undefined {
  for (const name of [...namesOf(ext), settings.string('default-username')]) {
    const user = table.get(name);
    if (user !== undefined) return { name, user };
  }
  return undefined;
}

function namesOf(ext: string): string[] {
  const names: string[] = [];
  for (let end = ext.length; end > 0; end = ext.lastIndexOf('-', end - 1))
    names.push(ext.slice(0, end));
  return names;
}

/**
 * The envelope recipients of a record's forwards: a name without "@" is one of this domain again, `name@`
 * is at control/me (`me` is asked for only then).
 */
export function forwardAddresses(
  forwards: readonly string[],
  host: string,
  me: () => string,
): string[] {
  return forwards.map((address) => {
    const at = address.indexOf('@');
    if (at < 0) return `${address}@${host}`;
    return at === address.length - 1 ? `${address}${me()}` : address;
  });
}
