// control/bindroutes: the address of this host from which mail for a domain goes out. qmail-remote(8).
//
//   bindroute = domain ":" [ address [ "," address ] ]
//   address   = IPv4 / IPv6 / "[" ( IPv4 / [ "IPv6:" ] IPv6 ) "]"
//
// Example: example.com:192.0.2.7,2001:db8::7 is one address for servers of each family. The domain is
// looked for as in smtproutes. Where no address of the server's family is given the system chooses.

import { isIPv4, isIPv6 } from 'node:net';
import type { ColonMap } from '@q/control';
import { Temporary } from '@q/fault';
import { addressLiteral, entryFor } from './route.ts';

/** Our end of a connection; undefined leaves it to the system. */
export interface BindAddresses {
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
}

/** Throws Temporary for an entry that is no address: mail must not leave from just anywhere. */
export function bindAddressesFor(domain: string, bindroutes: ColonMap | undefined): BindAddresses {
  const value = entryFor(domain, bindroutes)?.value.trim() ?? '';
  const addresses = value === '' ? [] : value.split(',').map((text) => addressIn(text.trim()));
  const ipv4 = addresses.filter(isIPv4);
  const ipv6 = addresses.filter(isIPv6);
  if (ipv4.length > 1 || ipv6.length > 1) throw new Temporary(`bad bindroute: ${value}`);
  return { ipv4: ipv4[0], ipv6: ipv6[0] };
}

/** The one to use towards `server`. */
export function bindAddressTowards(
  server: string,
  { ipv4, ipv6 }: BindAddresses,
): string | undefined {
  return isIPv6(server) ? ipv6 : ipv4;
}

function addressIn(text: string): string {
  const address = addressLiteral(text);
  if (address === undefined) throw new Temporary(`bad bindroute: ${text}`);
  return address;
}
