// How many sessions there may be: in all, from one address, and of those who have not logged in from one address.
// Without the last, one address that guesses passwords would take all places and keep everybody else out.

import { isIPv6 } from 'node:net';

export type Admission = 'ok' | 'full' | 'full for this address';

export interface GateLimits {
  readonly max: number;
  readonly maxPerIp?: number | undefined;
  /** From one address, of sessions that know() was not called for. */
  readonly maxStrangersPerIp?: number | undefined;
}

/** Sessions of one address. */
interface Here {
  readonly all: number;
  readonly known: number;
}

const NOBODY: Here = { all: 0, known: 0 };

/** Counts the sessions of one listener. */
export class Gate {
  readonly #limits: Required<{ [K in keyof GateLimits]: number }>;
  readonly #perIp = new Map<string, Here>();
  #count = 0;

  constructor({
    max,
    maxPerIp = Number.POSITIVE_INFINITY,
    maxStrangersPerIp = Number.POSITIVE_INFINITY,
  }: GateLimits) {
    this.#limits = { max, maxPerIp, maxStrangersPerIp };
  }

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#limits.max;
  }

  /** Asks for a place; 'ok' must be given back by leave(). */
  enter(ip: string): Admission {
    const { max, maxPerIp, maxStrangersPerIp } = this.#limits;
    if (this.#count >= max) return 'full';
    const key = networkOf(ip);
    const { all, known } = this.#perIp.get(key) ?? NOBODY;
    if (all >= maxPerIp || all - known >= maxStrangersPerIp) return 'full for this address';
    this.#perIp.set(key, { all: all + 1, known });
    this.#count++;
    return 'ok';
  }

  /** A session of this address has logged in; to be called once. */
  know(ip: string): void {
    const key = networkOf(ip);
    const here = this.#perIp.get(key);
    if (here !== undefined) this.#perIp.set(key, { ...here, known: here.known + 1 });
  }

  /** `known`: know() was called for it. */
  leave(ip: string, known = false): void {
    const key = networkOf(ip);
    const here = this.#perIp.get(key) ?? NOBODY;
    if (here.all > 1)
      this.#perIp.set(key, { all: here.all - 1, known: here.known - (known ? 1 : 0) });
    else this.#perIp.delete(key);
    this.#count--;
  }
}

/** One customer's share of the net: an IPv4 address, or the /64 an IPv6 host chooses its addresses from. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const [head = '', tail] = (ip.split('%')[0] as string).split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array<string>(missing).fill('0'), ...back];
  return groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':');
}
