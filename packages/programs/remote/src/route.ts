// control/smtproutes and control/qmtproutes: mail for a domain that goes to a stated relay instead of its
// mail exchangers. qmail-remote(8).
//
//   route = domain ":" [ relay [ ":" port ] ]
//   relay = name / IPv4 / "[" IPv4 "]" / "[" [ "IPv6:" ] IPv6 "]"
//
// Example: .example.com:[2001:db8::1]:2525 sends all hosts below example.com there. An empty domain stands
// for every other. An empty relay means the exchangers after all, and in qmtproutes: as smtproutes says.
// A domain with a relay in qmtproutes goes by QMTP, and so does what smtproutes sends to port 209.

import { isIPv4, isIPv6 } from 'node:net';
import type { ColonMap } from '@q/control';
import { Temporary } from '@q/fault';

const SMTP_PORT = 25;
const QMTP_PORT = 209;

export interface Route {
  readonly protocol: 'smtp' | 'qmtp';
  /** The domain itself, or the relay. */
  readonly host: string;
  readonly port: number;
  /** A relay was stated: no mail exchangers, no check whether it is ourselves. */
  readonly relayed: boolean;
  /** The relay is that of all other domains. */
  readonly forAll: boolean;
}

export interface Routes {
  readonly smtproutes: ColonMap | undefined;
  readonly qmtproutes: ColonMap | undefined;
}

export function routeOf(domain: string, { smtproutes, qmtproutes }: Routes): Route {
  const qmtp = entryFor(domain, qmtproutes);
  if (qmtp !== undefined && qmtp.value !== '') {
    const relay = relayOf(qmtp.value, QMTP_PORT);
    return { ...relay, protocol: 'qmtp', relayed: true, forAll: qmtp.key === '' };
  }
  const smtp = entryFor(domain, smtproutes);
  if (smtp === undefined || smtp.value === '')
    return { protocol: 'smtp', host: domain, port: SMTP_PORT, relayed: false, forAll: false };
  const relay = relayOf(smtp.value, SMTP_PORT);
  const protocol = relay.port === QMTP_PORT ? 'qmtp' : 'smtp';
  return { ...relay, protocol, relayed: true, forAll: smtp.key === '' };
}

/** A domain's own entry, else that of each suffix beginning at a dot, else the empty one. */
export function entryFor(
  domain: string,
  map: ColonMap | undefined,
): { readonly key: string; readonly value: string } | undefined {
  for (let at = 0; at <= domain.length; at++) {
    if (at !== 0 && at !== domain.length && domain[at] !== '.') continue;
    const key = domain.slice(at);
    const value = map?.get(key);
    if (value !== undefined) return { key, value };
  }
  return undefined;
}

function relayOf(relay: string, usualPort: number): { host: string; port: number } {
  if (isIPv6(relay)) return { host: relay, port: usualPort };
  const match = /^(\[[^\]]*\]|[^:]*)(?::([0-9]*))?$/.exec(relay);
  const port = match?.[2] ? Number(match[2]) : usualPort;
  if (match === null || port < 1 || port > 65535) throw new Temporary(`bad route: ${relay}`);
  return { host: match[1] as string, port };
}

/** The address a host name spells: `1.2.3.4`, `[1.2.3.4]`, `[IPv6:2001:db8::1]`; undefined for a real name. */
export function addressLiteral(host: string): string | undefined {
  if (isIPv4(host) || isIPv6(host)) return host;
  const inside = /^\[(?:IPv6:)?([^\]]*)\]$/i.exec(host)?.[1];
  if (inside === undefined) return undefined;
  return isIPv4(inside) || isIPv6(inside) ? inside : undefined;
}
