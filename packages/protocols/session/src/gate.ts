// How many sessions there may be, in all and from one address.

import { isIPv6 } from 'node:net';

export type Admission = 'ok' | 'full' | 'full for this address';

/** Counts the sessions of one listener. */
export class Gate {
  readonly #max: number;
  readonly #maxPerIp: number;
  readonly #perIp = new Map<string, number>();
  #count = 0;

  constructor(max: number, maxPerIp: number = Number.POSITIVE_INFINITY) {
    this.#max = max;
    this.#maxPerIp = maxPerIp;
  }

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#max;
  }

  /** Asks for a place; 'ok' must be given back by leave(). */
  enter(ip: string): Admission {
    if (this.#count >= this.#max) return 'full';
    const key = networkOf(ip);
    const here = this.#perIp.get(key) ?? 0;
    if (here >= this.#maxPerIp) return 'full for this address';
    this.#perIp.set(key, here + 1);
    this.#count++;
    return 'ok';
  }

  leave(ip: string): void {
    const key = networkOf(ip);
    const here = this.#perIp.get(key) ?? 0;
    if (here > 1) this.#perIp.set(key, here - 1);
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
