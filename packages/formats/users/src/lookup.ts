// Looks a local part up in users/cdb, as qmail-lspawn does. qmail-users(5).

import { asciiLower, bytesOf } from '@q/bytes';
import { type Cdb, openCdb } from '@q/cdb';
import { Temporary } from '@q/fault';
import { type Assignment, decodeAssignment } from './assignment.ts';

/** qmail-lspawn's exit code for users/cdb that is there but cannot be used. */
export const EXIT_USERS_CDB = 117;

export interface Match {
  readonly assignment: Assignment;
  /** The wildcard's prefix in lower case ('' for the one that catches all); undefined for an exact match. */
  readonly prefix: string | undefined;
}

/** The assignment of a local part (latin1, any case), or undefined. Throws Temporary (exit 117) on a damaged table. */
export function lookupAssignment(cdb: Cdb, local: string): Assignment | undefined {
  return matchAssignment(cdb, local)?.assignment;
}

/**
 * The same, telling what matched: first the exact local part, then ever shorter prefixes of it, of which
 * only those count that end in a terminator of the table, and the empty one. What a prefix leaves over is
 * appended to the extension in its original case.
 */
export function matchAssignment(cdb: Cdb, local: string): Match | undefined {
  if (local.includes('\0')) return undefined; // NUL separates fields: it cannot be part of an address
  const terminators = cdb.get('');
  if (terminators === undefined)
    throw new Temporary('users/cdb has no list of wildcard terminators', {
      exitCode: EXIT_USERS_CDB,
    });
  const lower = asciiLower(local);
  const exact = cdb.get(`!${lower}\0`);
  if (exact !== undefined) return { assignment: complete(exact, ''), prefix: undefined };
  for (let length = lower.length; length >= 0; length--) {
    if (length > 0 && !terminators.includes(lower.charCodeAt(length - 1))) continue;
    const prefix = lower.slice(0, length);
    const found = cdb.get(`!${prefix}`);
    if (found !== undefined) return { assignment: complete(found, local.slice(length)), prefix };
  }
  return undefined;
}

/** Opens HOME/users/cdb; undefined when there is none. Throws Temporary (exit 117) when it cannot be read. */
export function openUsersCdb(home: string): Cdb | undefined {
  try {
    return openCdb(`${home}/users/cdb`);
  } catch (error) {
    throw new Temporary((error as Error).message, { cause: error, exitCode: EXIT_USERS_CDB });
  }
}

function complete(data: Buffer, rest: string): Assignment {
  try {
    return decodeAssignment(Buffer.concat([data, bytesOf(rest), Buffer.alloc(1)]));
  } catch (error) {
    throw new Temporary('users/cdb holds a malformed assignment', {
      cause: error,
      exitCode: EXIT_USERS_CDB,
    });
  }
}
