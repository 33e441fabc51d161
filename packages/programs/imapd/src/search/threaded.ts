// What THREAD needs to know of each message, and the threads that come out.

import type { FolderCache } from '@q/mail-cache';
import type { FolderMessage } from '@q/mailbox';
import type { Progress } from '../progress.ts';
import { eachWithFacts } from './facts.ts';
import { mergeSort } from './merge-sort.ts';
import { keepThreadKeys, type ThreadKey, threadKeys } from './thread-keys.ts';

/** The messages that are threaded; all arrays have one entry for each. */
export interface Threaded {
  readonly messages: readonly FolderMessage[];
  readonly keys: readonly ThreadKey[];
  /** Numbers of subjects and ids are below these. */
  readonly subjectCount: number;
  readonly idCount: number;
  /** Indices by sent date, ties by message number. */
  readonly byDate: Uint32Array;
}

/**
 * Threads as a forest. Nodes below the number of messages are messages, by index; those above are dummies, which stand only at
 * the top, for a parent that is not there.
 */
export interface Forest {
  /** In the order they are answered in. */
  readonly roots: readonly number[];
  /** -1: none. */
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
}

/** Reads what is needed of `found`, which is ascending; those that are gone are left out. */
export async function threadedOf(
  found: readonly FolderMessage[],
  cache: FolderCache,
  progress: Progress,
): Promise<Threaded> {
  const known = threadKeys(cache);
  const keys: (ThreadKey | undefined)[] = new Array(found.length).fill(undefined);
  let missing = 0;
  await eachWithFacts(cache, found, progress, (index, message, look) => {
    let key = known.get(message);
    if (key === undefined) {
      const facts = look();
      if (facts === undefined) {
        missing++;
        return true;
      }
      key = known.add(message, facts);
    }
    keys[index] = key;
    return false;
  });
  keepThreadKeys(cache, known);
  const isThere = (_: unknown, index: number) => keys[index] !== undefined;
  const there = keys.filter((key) => key !== undefined);
  return {
    messages: missing === 0 ? found : found.filter(isThere),
    keys: there,
    subjectCount: known.subjectCount,
    idCount: known.idCount,
    byDate: await byDate(there, progress),
  };
}

async function byDate(keys: readonly ThreadKey[], progress: Progress): Promise<Uint32Array> {
  const order = new Uint32Array(keys.length);
  const sent = new Float64Array(keys.length);
  for (let index = 0; index < keys.length; index++) {
    order[index] = index;
    sent[index] = (keys[index] as ThreadKey).sent;
  }
  const compare = (a: number, b: number) => (sent[a] as number) - (sent[b] as number) || a - b;
  await mergeSort(order, compare, () => progress.at(1, 1));
  return order;
}

/**
 * The forest in which each message lies below `parents[message]`: -1 is the top, other numbers are nodes. Siblings and roots are
 * in the order of `order`; a dummy stands where its first child would. `nodes`: how many there are, dummies included.
 */
export function forestOf(parents: Int32Array, order: Uint32Array, nodes: number): Forest {
  const firstChild = new Int32Array(nodes).fill(-1);
  const nextSibling = new Int32Array(nodes).fill(-1);
  // Backwards, since each is put in front.
  for (let place = order.length - 1; place >= 0; place--) {
    const message = order[place] as number;
    const parent = parents[message] as number;
    if (parent < 0) continue;
    nextSibling[message] = firstChild[parent] as number;
    firstChild[parent] = message;
  }
  const roots: number[] = [];
  for (const message of order) {
    const parent = parents[message] as number;
    if (parent < 0) roots.push(message);
    else if (parent >= parents.length && firstChild[parent] === message) roots.push(parent);
  }
  return { roots, firstChild, nextSibling };
}
