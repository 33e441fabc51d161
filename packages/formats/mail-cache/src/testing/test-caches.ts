// A Maildir for one test, and the caches that it opens there.

import { type AccountCacheOptions, openAccountCache } from '../account-cache.ts';
import type { AccountCache } from '../model.ts';
import { makeRoot, removeRoot } from './test-folder.ts';

export class TestCaches {
  readonly root = makeRoot();
  /** What the caches have logged. */
  readonly lines: string[] = [];
  readonly #open: AccountCache[] = [];

  open(options: Partial<AccountCacheOptions> = {}): AccountCache {
    const log = (line: string) => void this.lines.push(line);
    const cache = openAccountCache(this.root, { log, host: 'h', ...options });
    this.#open.push(cache);
    return cache;
  }

  /** Closes all of them, and removes the Maildir. */
  async remove(): Promise<void> {
    for (const cache of this.#open) await cache.close();
    removeRoot(this.root);
  }
}
