// Mod-sequences for who has no cache: they begin with the clock, so that they rise from process to process.

import { GONE_KEPT } from './limits.ts';
import type { ChangeStore, KnownState, Noted } from './model.ts';

/** Nothing is known from before, and nothing outlives the process. */
export function memoryChangeStore(now: () => number = Date.now): ChangeStore {
  let highest = now();
  /** Nothing is known of what went at or before this mod-sequence. */
  let knownFrom = highest;
  let gone: { readonly uid: number; readonly modseq: number }[] = [];
  return {
    get highest() {
      return highest;
    },
    load: (): readonly KnownState[] => [],
    note(_changed, went): Noted {
      highest = Math.max(highest + 1, now());
      for (const uid of went) gone.push({ uid, modseq: highest });
      if (gone.length > 2 * GONE_KEPT) {
        knownFrom = gone.at(-GONE_KEPT - 1)?.modseq ?? highest;
        gone = gone.slice(-GONE_KEPT);
      }
      return { modseq: highest, kept: new Map() };
    },
    goneSince(since): readonly number[] | undefined {
      if (since < knownFrom) return undefined;
      return gone.filter(({ modseq }) => modseq > since).map(({ uid }) => uid);
    },
  };
}
