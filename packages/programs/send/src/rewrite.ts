// Where a recipient goes: local or remote, and under which address (qmail-send(8), addresses(5)). Pure.
// Addresses are latin1 text; hosts compare without regard to the case of A-Z, boxes keep theirs.

import { splitAddress } from '@q/address';
import { asciiLower } from '@q/bytes';
import type { ChannelName } from './schedule.ts';

export interface RewriteRules {
  /** Host for addresses without one. */
  readonly envNoAtHost: string;
  /** Lower case. */
  readonly locals: ReadonlySet<string>;
  /** Lower case. */
  readonly percentHack: ReadonlySet<string>;
  readonly virtualDomains: { get(key: string): string | undefined };
}

export interface Rewritten {
  readonly channel: ChannelName;
  readonly address: string;
}

export function rewriteRecipient(recipient: string, rules: RewriteRules): Rewritten {
  const address = undoPercent(
    recipient.includes('@') ? recipient : `${recipient}@${rules.envNoAtHost}`,
    rules.percentHack,
  );
  const domain = splitAddress(address).domain ?? '';
  if (rules.locals.has(asciiLower(domain))) return { channel: 'local', address };
  for (const key of [address, ...domainKeys(domain)]) {
    const prepend = rules.virtualDomains.get(key);
    if (prepend === undefined) continue;
    // An empty prepend is an exception to a wider rule: the address is remote after all.
    return prepend === ''
      ? { channel: 'remote', address }
      : { channel: 'local', address: `${prepend}-${address}` };
  }
  return { channel: 'remote', address };
}

/**
 * The address the sender wrote, for a bounce: a virtual domain's prepend is taken off again if it is
 * what rewriteRecipient would have put on.
 */
export function stripPrepend(address: string, rules: Pick<RewriteRules, 'virtualDomains'>): string {
  const { domain } = splitAddress(address);
  if (domain === undefined) return address;
  for (let dash = address.indexOf('-'); dash >= 0; dash = address.indexOf('-', dash + 1)) {
    const rest = address.slice(dash + 1);
    // A prepend holds no "@" of its own: what follows must still be the whole address.
    if (!rest.includes('@')) break;
    if (rules.virtualDomains.get(rest) === address.slice(0, dash)) return rest;
  }
  for (const key of domainKeys(domain)) {
    const prepend = rules.virtualDomains.get(key);
    if (prepend === undefined) continue;
    return prepend !== '' && address.startsWith(`${prepend}-`)
      ? address.slice(prepend.length + 1)
      : address;
  }
  return address;
}

/** user%host@hacked becomes user@host, as often as it applies. */
function undoPercent(address: string, hosts: ReadonlySet<string>): string {
  let current = address;
  for (;;) {
    const { local, domain } = splitAddress(current);
    if (domain === undefined || !hosts.has(asciiLower(domain))) return current;
    const percent = local.lastIndexOf('%');
    if (percent < 0) return current;
    current = `${local.slice(0, percent)}@${local.slice(percent + 1)}`;
  }
}

/** The domain, each of its parts that begins at a dot, and the empty key: most specific first. */
function* domainKeys(domain: string): Iterable<string> {
  yield domain;
  for (let dot = domain.indexOf('.', 1); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
    yield domain.slice(dot);
  }
  if (domain !== '') yield '';
}
