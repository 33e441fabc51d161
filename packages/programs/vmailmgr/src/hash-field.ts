// The password field of a record when it is not made from a password.

import { Permanent } from '@q/fault';

/** Matches no password. */
export const NO_LOGIN = '*';

/** `field`, if a record may have it as a hash. Throws Permanent else. */
export function checkHash(field: string): string {
  if (field === '' || /[\0\r\n]/.test(field))
    throw new Permanent('Password field contains invalid characters');
  return field;
}
