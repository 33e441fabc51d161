// What travels on descriptor 3 of a checkpassword-compatible program: checkpassword(8).
//
//     USER NUL PASSWORD NUL STAMP NUL           at most 512 bytes, then end of file
//
//     joe\0secret\0<1234.995000000@pop.example.org>\0
//
// STAMP is what an APOP digest was made with; the password is the digest then. It may be empty, as SMTP
// AUTH sends it. Bytes after the third NUL mean nothing. All three are latin1 text of arbitrary bytes.

import { readSync } from 'node:fs';
import { bytesOf, textOf } from '@q/bytes';
import { errnoOf, faultOf, Permanent } from '@q/fault';
import { CREDENTIALS_MAX, EXIT_MISUSED } from './limits.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
  readonly stamp: string;
}

/**
 * The bytes for descriptor 3; undefined when no checker could take them: a NUL inside a field, or more
 * than 512 bytes. Such a login is refused like any wrong one.
 */
export function encodeCredentials(credentials: Credentials): Buffer | undefined {
  const { user, password, stamp } = credentials;
  if (user.includes('\0') || password.includes('\0') || stamp.includes('\0')) return undefined;
  const bytes = bytesOf(`${user}\0${password}\0${stamp}\0`);
  return bytes.length > CREDENTIALS_MAX ? undefined : bytes;
}

/** Takes the three fields; undefined when they are not all there. */
export function decodeCredentials(bytes: Uint8Array): Credentials | undefined {
  const fields = textOf(bytes).split('\0', 4);
  const [user, password, stamp, rest] = fields;
  if (user === undefined || password === undefined || stamp === undefined || rest === undefined)
    return undefined;
  return { user, password, stamp };
}

/**
 * Reads the descriptor to its end, blocking: a checker has nothing else to do. Throws a Permanent with
 * exit code 2 (checkpassword's "misused") when there is no such descriptor, too much on it, or not three
 * fields; a Temporary (111) when reading fails. Closing is the caller's.
 */
export function readCredentials(fd = 3): Credentials {
  // One byte more than allowed, to tell "full" from "too much".
  const buffer = Buffer.alloc(CREDENTIALS_MAX + 1);
  let length = 0;
  while (length < buffer.length) {
    const n = readSome(fd, buffer, length);
    if (n === 0) break;
    length += n;
  }
  try {
    if (length > CREDENTIALS_MAX) throw misused('more than 512 bytes on descriptor 3');
    const credentials = decodeCredentials(buffer.subarray(0, length));
    if (credentials === undefined) throw misused('not three fields on descriptor 3');
    return credentials;
  } finally {
    buffer.fill(0);
  }
}

function readSome(fd: number, buffer: Buffer, offset: number): number {
  for (;;) {
    try {
      return readSync(fd, buffer, offset, buffer.length - offset, null);
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EINTR') continue;
      if (code === 'EBADF') throw misused('descriptor 3 is not open');
      throw faultOf(error, 'unable to read descriptor 3');
    }
  }
}

function misused(message: string): Permanent {
  return new Permanent(message, { exitCode: EXIT_MISUSED });
}
