// Recipients as they come in, up to what they may cost us in memory.

import { ADDRESS_COST } from './limits.ts';

export class AddressList {
  readonly addresses: string[] = [];
  #left: number;

  /** `budget` is in bytes. */
  constructor(budget: number) {
    this.#left = budget;
  }

  /** True when there is room for one more; whoever asks uses it up, with or without an address. */
  reserve(length: number): boolean {
    if (this.#left < 0) return false;
    this.#left -= length + ADDRESS_COST;
    return this.#left >= 0;
  }
}
