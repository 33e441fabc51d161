// Name service for mail: exchangers and addresses, with "there is none" and "not now" told apart.
// RFC 5321 section 5, RFC 7505.

import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Temporary } from '@q/fault';
import {
  DNS_TIMEOUT_MS,
  DNS_TRIES,
  NAMES_KEPT_BLINDLY_SECONDS,
  NAMES_KEPT_SECONDS,
  NAMES_MISSED_SECONDS,
} from './limits.ts';

export interface Exchanger {
  /** A host name; '' is the null exchanger of a domain without mail. */
  readonly exchange: string;
  /** The lowest is the best. */
  readonly priority: number;
}

export interface Names {
  /** The MX records, [] when there are none or no such name. Throws Temporary. */
  exchangersOf(domain: string): Promise<readonly Exchanger[]>;
  /** IPv4 addresses, then IPv6 ones; [] when there are none or no such name. Throws Temporary. */
  addressesOf(host: string): Promise<readonly string[]>;
  /** The same for a relay the administrator stated, whose name may be known only to this host (/etc/hosts). */
  relayAddressesOf(host: string): Promise<readonly string[]>;
}

/** An answer, and the seconds for which it holds. */
export interface Answer<T> {
  readonly values: readonly T[];
  readonly seconds: number;
}

/** `Names` whose answers tell how long they hold. */
export type NameService = {
  readonly [method in keyof Names]: (
    name: string,
  ) => Promise<Answer<Awaited<ReturnType<Names[method]>>[number]>>;
};

/** Answers by which DNS says "there is none". All others may be different tomorrow. */
const NONE: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'ENONAME']);

/**
 * Names from the host's name servers, or from `servers` ("IP:PORT", comma separated), which then are
 * asked about relays too. Names are latin1 text; bytes beyond ASCII are taken as UTF-8 and go out as IDN.
 */
export function openNames(servers?: string): Names {
  const service = openNameService(servers);
  return {
    exchangersOf: async (domain) => (await service.exchangersOf(domain)).values,
    addressesOf: async (host) => (await service.addressesOf(host)).values,
    relayAddressesOf: async (host) => (await service.relayAddressesOf(host)).values,
  };
}

/** The same with times. An answer without values holds for NAMES_MISSED_SECONDS. */
export function openNameService(servers?: string): NameService {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  if (servers) resolver.setServers(servers.split(','));

  const addressesOf = async (host: string): Promise<Answer<string>> => {
    if (isIP(host) !== 0) return { values: [host], seconds: NAMES_KEPT_SECONDS };
    const name = wireName(host);
    const [four, six] = await Promise.allSettled([
      orNone(resolver.resolve4(name, { ttl: true })),
      orNone(resolver.resolve6(name, { ttl: true })),
    ]);
    const found = [four, six].flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const failed = [four, six].find((one) => one.status === 'rejected');
    // Half an answer is an answer when it has an address, and none when it has not.
    if (found.length === 0 && failed !== undefined) throw failed.reason;
    const seconds = Math.min(NAMES_KEPT_SECONDS, ...found.map(({ ttl }) => ttl));
    return held(
      found.map(({ address }) => address),
      failed === undefined ? seconds : Math.min(seconds, NAMES_MISSED_SECONDS),
    );
  };
  return {
    exchangersOf: async (domain) =>
      held(await orNone(resolver.resolveMx(wireName(domain))), NAMES_KEPT_BLINDLY_SECONDS),
    addressesOf,
    relayAddressesOf: servers ? addressesOf : systemAddressesOf,
  };
}

async function systemAddressesOf(host: string): Promise<Answer<string>> {
  const found = await orNone(lookup(wireName(host), { all: true, verbatim: true }));
  const addresses = [4, 6].flatMap((family) =>
    found.filter((one) => one.family === family).map((one) => one.address),
  );
  return held(addresses, NAMES_KEPT_BLINDLY_SECONDS);
}

function held<T>(values: readonly T[], seconds: number): Answer<T> {
  return { values, seconds: values.length === 0 ? NAMES_MISSED_SECONDS : seconds };
}

async function orNone<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch (cause) {
    if (NONE.has(String((cause as { code?: unknown }).code))) return [];
    throw new Temporary("Sorry, I couldn't find any host by that name. (#4.1.2)", { cause });
  }
}

function wireName(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
