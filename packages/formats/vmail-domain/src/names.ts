// What may be a virtual user's name and a forwarding address. All are latin1 texts.

import { Permanent } from '@q/fault';
import { ADDRESS_MAX, USER_NAME_MAX } from './limits.ts';

/**
 * Throws Permanent for a name that no record may have: "/" and ":" are path and login separators, blanks
 * and control characters would break every listing.
 */
export function checkUserName(name: string): void {
  if (name === '' || name.length > USER_NAME_MAX || /[/:\x00-\x20\x7f]/.test(name))
    throw new Permanent('Virtual user or alias name contains invalid characters');
}

/**
 * Throws Permanent for an address that cannot be forwarded to. One without "@" must be the name of a
 * user of this domain (`exists` knows).
 */
export function checkForward(address: string, exists: (name: string) => boolean): void {
  if (/[\x00-\x20\x7f]/.test(address) || address.length > ADDRESS_MAX)
    throw invalid(address, 'contains invalid characters');
  const at = address.indexOf('@');
  if (at < 0) {
    if (!exists(address)) throw new Permanent(`User '${address}' does not exist`);
  } else if (address.includes('@', at + 1)) {
    throw invalid(address, 'contains more than one at (@) symbol');
  }
}

function invalid(address: string, why: string): Permanent {
  return new Permanent(`Address '${address}' is invalid:   Address ${why}`);
}
