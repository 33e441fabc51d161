// Who may not send, and what an address in brackets means: badmailfrom, localiphost.

import { networkInterfaces } from 'node:os';
import { asciiLower } from '@q/bytes';
import type { Config } from './config.ts';

/** True for a sender that stands in badmailfrom, by address or by "@domain". Case does not matter. */
export function isBadSender(sender: string, bad: Config['badMailFrom']): boolean {
  if (bad.size === 0) return false;
  const address = asciiLower(sender);
  const at = address.lastIndexOf('@');
  return bad.has(address) || (at >= 0 && bad.has(address.slice(at)));
}

/** user@[192.0.2.1] becomes user@localiphost when that is an address of this host. */
export function withLocalName(
  address: string,
  localIpHost: string | undefined,
  isLocal: (ip: string) => boolean = isOwnAddress,
): string {
  if (localIpHost === undefined) return address;
  const literal = /^(.*@)\[(?:IPv6:([0-9A-Fa-f:.]+)|([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+))\]$/is.exec(
    address,
  );
  const ip = literal?.[2] ?? literal?.[3];
  return literal !== null && ip !== undefined && isLocal(ip)
    ? `${literal[1]}${localIpHost}`
    : address;
}

/** True for an address of one of this host's interfaces that are up, and for 0.0.0.0, which reaches it too. */
function isOwnAddress(ip: string): boolean {
  if (ip === '0.0.0.0') return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === ip.toLowerCase()),
  );
}
