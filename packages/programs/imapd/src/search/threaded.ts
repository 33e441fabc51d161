// What THREAD needs to know of each message, and the threads that come out.

import type { FolderCache } from '@q/mail-cache';
import type { FolderMessage } from '@q/mailbox';
import { baseSubject, casemap, messageIds } from '@q/mime';
import type { Progress } from '../progress.ts';
import { eachWithFacts } from './facts.ts';
import { mergeSort } from './merge-sort.ts';
import { sentTime } from './sort-key.ts';

/** The messages that are threaded; all arrays have one entry for each. */
export interface Threaded {
  readonly messages: readonly FolderMessage[];
  /** Base subject as it is compared. */
  readonly subjects: readonly string[];
  /** It is a reply or forwarded, by its subject. */
  readonly replies: Uint8Array;
  /** Its message id as a number; -1: it has none. */
  readonly ids: Int32Array;
  /** The ids of its ancestors as numbers, the parent last. */
  readonly references: readonly (readonly number[])[];
  /** How many different ids there are; they are numbered from 0. */
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
  const numbers = new Map<string, number>();
  const numberOf = (id: string) => {
    const known = numbers.get(id);
    if (known !== undefined) return known;
    numbers.set(id, numbers.size);
    return numbers.size - 1;
  };
  const rows: (Row | undefined)[] = new Array(found.length).fill(undefined);
  await eachWithFacts(cache, found, progress, (index, message, look) => {
    const facts = look();
    if (facts === undefined) return true;
    const { text, isReply } = baseSubject(facts.envelope.subject ?? '');
    const [id] = messageIds(facts.envelope.messageId ?? '');
    rows[index] = {
      message,
      subject: casemap(text),
      isReply,
      id: id === undefined ? -1 : numberOf(id),
      references: facts.references.map(numberOf),
      sent: sentTime(facts),
    };
    return false;
  });
  const there = rows.filter((row) => row !== undefined);
  return {
    messages: there.map(({ message }) => message),
    subjects: there.map(({ subject }) => subject),
    replies: Uint8Array.from(there, ({ isReply }) => Number(isReply)),
    ids: Int32Array.from(there, ({ id }) => id),
    references: there.map(({ references }) => references),
    idCount: numbers.size,
    byDate: await byDate(there, progress),
  };
}

interface Row {
  readonly message: FolderMessage;
  readonly subject: string;
  readonly isReply: boolean;
  readonly id: number;
  readonly references: readonly number[];
  readonly sent: number;
}

async function byDate(rows: readonly Row[], progress: Progress): Promise<Uint32Array> {
  const sent = Float64Array.from(rows, (row) => row.sent);
  const order = Uint32Array.from(rows.keys());
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
