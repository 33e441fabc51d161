// The password field of a record: what is stored of a password, or in its place.

import { bytesOf } from '@q/bytes';
import { Permanent } from '@q/fault';
import type { Invocation } from '@q/proc';
import { clearPassword, hashPassword, hashPasswordAsync } from '@q/vmailmgr';
import { PASSWORD_MAX } from './limits.ts';

/** Matches no password. */
export const NO_LOGIN = '*';

/** `field`, if a record may have it as a hash. Throws Permanent else. */
export function checkHash(field: string): string {
  if (field === '' || /[\0\r\n]/.test(field))
    throw new Permanent('Password field contains invalid characters');
  return field;
}

/** The field for one new password: with --digests in clear, else a hash. Throws Permanent for what is no password. */
export function fieldFor(password: Uint8Array, options: Invocation['options']): string {
  return options.digests === true ? clearPassword(password) : hashPassword(password);
}

/** What makes the fields of many, from words of input in latin1; `--hashed` words are fields already. */
export function fieldMaker(options: Invocation['options']): (word: string) => Promise<string> {
  if (options.hashed === true && options.digests === true)
    throw new Permanent('--hashed and --digests exclude each other');
  if (options.hashed === true) return async (word) => checkHash(word);
  const make = options.digests === true ? clearPassword : hashPasswordAsync;
  return async (word) => {
    if (word.length > PASSWORD_MAX) throw new Permanent('password is too long');
    return make(bytesOf(word));
  };
}
