// Whose mail is taken, and for whom: badmailfrom, rcpthosts, morercpthosts.cdb, localiphost.

import { networkInterfaces } from 'node:os';
import { splitAddress } from '@q/address';
import { asciiLower } from '@q/bytes';
import type { Config } from './config.ts';

/** True for a sender that stands in badmailfrom, by address or by "@domain". Case does not matter. */
export function isBadSender(sender: string, bad: Config['badMailFrom']): boolean {
  if (bad.size === 0) return false;
  const address = asciiLower(sender);
  const at = address.lastIndexOf('@');
  return bad.has(address) || (at >= 0 && bad.has(address.slice(at)));
}

/**
 * True when mail for this recipient is ours to take: it has no domain, or its domain or a suffix of
 * that from a dot on is listed in rcpthosts or is a key for `inCdb` (morercpthosts.cdb).
 */
export function isForUs(
  recipient: string,
  hosts: Config['rcptHosts'],
  inCdb: (key: string) => boolean,
): boolean {
  if (hosts === undefined) return true;
  const { domain } = splitAddress(recipient);
  if (domain === undefined) return true;
  const keys = suffixes(asciiLower(domain));
  return keys.some((key) => hosts.has(key)) || keys.some(inCdb);
}

/** `a.b.c`, `.b.c`, `.c` */
function suffixes(domain: string): string[] {
  const keys = [domain];
  for (let i = 1; i < domain.length; i++) if (domain[i] === '.') keys.push(domain.slice(i));
  return keys;
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
