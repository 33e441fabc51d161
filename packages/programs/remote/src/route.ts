// control/smtproutes: mail for a domain that goes to a stated relay instead of its mail exchangers.
// qmail-remote(8).
//
//   route = domain ":" [ relay [ ":" port ] ]
//   relay = name / IPv4 / "[" IPv4 "]" / "[" [ "IPv6:" ] IPv6 "]"
//
// Example: .example.com:[2001:db8::1]:2525 sends all hosts below example.com there. An empty relay means
// the exchangers after all; an empty domain stands for every other.

import { isIPv4, isIPv6 } from 'node:net';
import type { ColonMap } from '@q/control';
import { Temporary } from '@q/fault';

export const SMTP_PORT = 25;

export interface Route {
  /** The domain itself, or the relay. */
  readonly host: string;
  readonly port: number;
  /** A relay was stated: no mail exchangers, no check whether it is ourselves. */
  readonly relayed: boolean;
}

/** The way to a domain: its own entry, else that of each suffix beginning at a dot, else the empty one. */
export function routeOf(domain: string, routes: ColonMap | undefined): Route {
  const direct = { host: domain, port: SMTP_PORT, relayed: false };
  for (let at = 0; at <= domain.length; at++) {
    if (at !== 0 && at !== domain.length && domain[at] !== '.') continue;
    const relay = routes?.get(domain.slice(at));
    if (relay === undefined) continue;
    return relay === '' ? direct : relayOf(relay);
  }
  return direct;
}

function relayOf(relay: string): Route {
  if (isIPv6(relay)) return { host: relay, port: SMTP_PORT, relayed: true };
  const match = /^(\[[^\]]*\]|[^:]*)(?::([0-9]*))?$/.exec(relay);
  const port = match?.[2] ? Number(match[2]) : SMTP_PORT;
  if (match === null || port < 1 || port > 65535) throw new Temporary(`bad route: ${relay}`);
  return { host: match[1] as string, port, relayed: true };
}

/** The address a host name spells: `1.2.3.4`, `[1.2.3.4]`, `[IPv6:2001:db8::1]`; undefined for a real name. */
export function addressLiteral(host: string): string | undefined {
  if (isIPv4(host) || isIPv6(host)) return host;
  const inside = /^\[(?:IPv6:)?([^\]]*)\]$/i.exec(host)?.[1];
  if (inside === undefined) return undefined;
  return isIPv4(inside) || isIPv6(inside) ? inside : undefined;
}
