// An assignment: which account handles a local part. Six fields, each ended by NUL, are what qmail-getpw
// prints and what a record of users/cdb holds (there the last field has no NUL). qmail-users(5).
//
//   assignment = user NUL uid NUL gid NUL home NUL dash NUL ext NUL     ; uid, gid = 1*DIGIT
//
// Example: joe NUL 1001 NUL 1001 NUL /home/joe NUL - NUL lists NUL  sends joe-lists to ~joe/.qmail-lists.

import { joinNul, splitNul, textOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { ID_MAX } from './limits.ts';

/** Text is latin1: `home` and `ext` may hold any bytes but NUL. */
export interface Assignment {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** '' for the user's own address, '-' (or '-/') for an extension address. */
  readonly dash: string;
  readonly ext: string;
}

/** The six NUL-terminated fields. Throws RangeError if one has a NUL in it. */
export function encodeAssignment(assignment: Assignment): Buffer {
  const { user, uid, gid, home, dash, ext } = assignment;
  return joinNul([user, String(uid), String(gid), home, dash, ext]);
}

/** Reads six NUL-terminated fields; what follows them is ignored. Throws Temporary when they are not that. */
export function decodeAssignment(bytes: Buffer): Assignment {
  const fields = splitNul(bytes).records.map(textOf);
  const [user, uid, gid, home, dash, ext] = fields;
  if (user === undefined || uid === undefined || gid === undefined) throw malformed();
  if (home === undefined || dash === undefined || ext === undefined) throw malformed();
  return { user, uid: parseId(uid), gid: parseId(gid), home, dash, ext };
}

function parseId(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text) || Number(text) > ID_MAX) throw malformed();
  return Number(text);
}

function malformed(): Temporary {
  return new Temporary('malformed user assignment');
}
