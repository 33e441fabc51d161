// The addresses at which this host would be talking to itself.

import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { OWN_ADDRESSES_KEPT_MS } from './limits.ts';

/** Tells our own addresses: those of all interfaces, all of loopback, and "this host". */
export function ownAddresses(): (address: string) => boolean {
  const own = new BlockList();
  own.addSubnet('127.0.0.0', 8);
  own.addAddress('0.0.0.0');
  own.addAddress('::', 'ipv6');
  own.addAddress('::1', 'ipv6');
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family } of addresses ?? [])
      own.addAddress(address, family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
  // An IPv4 address in IPv6 clothes is matched against the IPv4 entries.
  return (address) => own.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** The same for a process that stays: looks again after OWN_ADDRESSES_KEPT_MS. */
export function watchedOwnAddresses(): (address: string) => boolean {
  let isOwn = ownAddresses();
  let until = performance.now() + OWN_ADDRESSES_KEPT_MS;
  return (address) => {
    if (performance.now() >= until) {
      isOwn = ownAddresses();
      until = performance.now() + OWN_ADDRESSES_KEPT_MS;
    }
    return isOwn(address);
  };
}
