// Files of a folder by what stays of their names, while other programs change the rest: for who may not wait for that
// folder, as its own users may be waiting for him.

import { errnoOf } from '@q/fault';
import { pathOf, retryStale } from './files.ts';
import type { Inside } from './inside.ts';
import { NAME_TRIES } from './limits.ts';
import { baseLength } from './name.ts';
import { scanDirectory } from './scan.ts';
import type { Stored } from './table.ts';

export class NameFinder {
  readonly #source: Inside;
  readonly #bases: ReadonlySet<string>;
  #names = new Map<string, string>();
  #looks = 0;

  constructor(source: Inside, messages: readonly Stored[]) {
    this.#source = source;
    this.#bases = new Set(messages.map(({ base }) => base));
  }

  /** Undefined: there is no file of that base. Throws what `act` throws, but for ENOENT. */
  async act<Result>(
    base: string,
    name: string,
    act: (path: string | Buffer) => Result,
  ): Promise<{ readonly name: string; readonly result: Result } | undefined> {
    let current = this.#names.get(base) ?? name;
    for (let left = NAME_TRIES; left > 0; left--) {
      try {
        const path = pathOf(this.#source.curPath, current);
        return { name: current, result: retryStale(() => act(path)) };
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
      const known = this.#names.get(base);
      if (this.#looks > 0 && known === undefined) return undefined;
      if (known === undefined || known === current) await this.#look();
      current = this.#names.get(base) ?? current;
    }
    return undefined;
  }

  /** One look finds all that were renamed before it. */
  async #look(): Promise<void> {
    this.#looks++;
    const names = new Map<string, string>();
    await scanDirectory(this.#source.curPath, (name) => {
      const base = name.slice(0, baseLength(name));
      if (this.#bases.has(base)) names.set(base, name);
    });
    this.#names = names;
  }
}
