// The addresses at which mail for a host may be handed over, in the order in which they are tried.
// RFC 5321 section 5.1.

import { Permanent } from '@q/fault';
import { ADDRESSES_MAX, EXCHANGERS_MAX } from './limits.ts';
import type { Exchanger, Names } from './names.ts';
import { addressLiteral, type Route } from './route.ts';

export interface Candidate {
  readonly address: string;
  /** The exchanger's preference; the lowest is tried first. */
  readonly preference: number;
}

export interface CandidateSource {
  readonly names: Names;
  readonly isOwn: (address: string) => boolean;
  /** 0 <= random() < 1, for the order among equals. */
  readonly random?: () => number;
}

/** At least one candidate, or a fault with qmail-remote's text. */
export async function candidatesFor(
  route: Pick<Route, 'host' | 'relayed'>,
  source: CandidateSource,
): Promise<Candidate[]> {
  if (route.relayed) return relayCandidates(route.host, source.names);
  const all = await exchangerCandidates(route.host, source);
  // A host that is no better than ourselves would hand the mail back to us.
  const ours = all.filter(({ address }) => source.isOwn(address));
  const limit = Math.min(...ours.map(({ preference }) => preference));
  const better = all.filter(({ preference }) => preference < limit);
  if (better.length > 0) return better.slice(0, ADDRESSES_MAX);
  throw new Permanent(
    "Sorry. Although I'm listed as a best-preference MX or A for that host,\n" +
      "it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)",
  );
}

async function relayCandidates(relay: string, names: Names): Promise<Candidate[]> {
  const literal = addressLiteral(relay);
  const addresses = literal === undefined ? await names.relayAddressesOf(relay) : [literal];
  if (addresses.length === 0) throw noSuchHost(relay);
  return equals(addresses, 0).slice(0, ADDRESSES_MAX);
}

async function exchangerCandidates(
  host: string,
  { names, random }: CandidateSource,
): Promise<Candidate[]> {
  const literal = addressLiteral(host);
  if (literal !== undefined) return equals([literal], 0);
  const published = await names.exchangersOf(host);
  if (published.length === 0) {
    const addresses = await names.addressesOf(host);
    if (addresses.length === 0) throw noSuchHost(host);
    return equals(addresses, 0);
  }
  const exchangers = published.filter(({ exchange }) => exchange !== '' && exchange !== '.');
  if (exchangers.length === 0)
    throw new Permanent('Sorry, that domain does not accept mail: it has a null MX. (#5.1.10)');
  const best = inOrder(exchangers, random ?? Math.random).slice(0, EXCHANGERS_MAX);
  return addressesOfAll(best, names);
}

async function addressesOfAll(
  exchangers: readonly Exchanger[],
  names: Names,
): Promise<Candidate[]> {
  const answers = await Promise.allSettled(
    exchangers.map(async ({ exchange, priority }) =>
      equals(await names.addressesOf(exchange), priority),
    ),
  );
  const seen = new Set<string>();
  const found = answers
    .flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    .filter(({ address }) => !seen.has(address) && seen.add(address));
  if (found.length > 0) return found;
  for (const answer of answers) {
    // One that could not be asked may have an address tomorrow.
    if (answer.status === 'rejected') throw answer.reason;
  }
  throw new Permanent("Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)");
}

/** Sorted by preference; among equals every order is as likely as any other. */
function inOrder(exchangers: readonly Exchanger[], random: () => number): Exchanger[] {
  return exchangers
    .map((exchanger) => ({ exchanger, lot: random() }))
    .sort((a, b) => a.exchanger.priority - b.exchanger.priority || a.lot - b.lot)
    .map(({ exchanger }) => exchanger);
}

function equals(addresses: readonly string[], preference: number): Candidate[] {
  return addresses.map((address) => ({ address, preference }));
}

function noSuchHost(host: string): Permanent {
  const safe = host.replace(/[^\x21-\x7e]/g, '?');
  return new Permanent(`Sorry, I couldn't find any host named ${safe}. (#5.1.2)`);
}
