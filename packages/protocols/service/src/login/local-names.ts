// The name of the address a client connected to. Virtual users of an IP-based domain log in by their bare
// name, and the domain is that name (vmailmgr's checkvpw reads TCPLOCALHOST, which tcpserver looks up).

import { reverse } from 'node:dns/promises';
import type { Peer } from '@q/session';

/** A name is asked for again after so many milliseconds. */
const LIFETIME = 300_000;
/** Milliseconds a login waits for the name server; then it goes on without a name. */
const PATIENCE = 5000;

type Lookup = (ip: string) => Promise<readonly string[]>;

export class LocalNames {
  readonly #lookup: Lookup;
  /** One entry for each address of this host. */
  readonly #known = new Map<
    string,
    { readonly until: number; readonly name: Promise<string | undefined> }
  >();

  constructor(lookup: Lookup = reverse) {
    this.#lookup = lookup;
  }

  /** What the rules say (TCPLOCALHOST), else the PTR name in lower case, else undefined. */
  async of(peer: Peer): Promise<string | undefined> {
    if (peer.localHost !== undefined) return peer.localHost;
    const ip = peer.localIp;
    if (ip === undefined) return undefined;
    const known = this.#known.get(ip);
    if (known !== undefined && known.until > Date.now()) return known.name;
    const name = this.#ask(ip);
    this.#known.set(ip, { until: Date.now() + LIFETIME, name });
    return name;
  }

  #ask(ip: string): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), PATIENCE);
    });
    const answer = this.#lookup(ip).then(
      ([name]) => name?.toLowerCase(),
      () => undefined,
    );
    return Promise.race([answer, tooLate]).finally(() => clearTimeout(timer));
  }
}
