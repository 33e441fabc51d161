// The table VMailMgr kept before it used cdb: the text file `passwd`, one user a line.
//
//   line = user ":" password ":" destination      ; what follows the first colon is as in record.ts
//
// Example: "me:$1$...:./users/me" and "all:*:&me,you@example.org". Read to convert it, never written.

import { asciiLower, bytesOf } from '@q/bytes';
import { decodeRecord, type RecordDefaults, type VirtualUser } from './record.ts';

/** The users of a text table (latin1) in its order. Lines without a user name or destination are passed over. */
export function parseTextTable(
  text: string,
  defaults?: RecordDefaults,
): [name: string, user: VirtualUser][] {
  const users: [string, VirtualUser][] = [];
  for (const line of text.split('\n')) {
    const [, name, record] = /^([^:]+)(:[^:]*:[^\n]*)$/.exec(line) ?? [];
    if (name === undefined || record === undefined) continue;
    users.push([asciiLower(name), decodeRecord(bytesOf(record), defaults)]);
  }
  return users;
}
