// The mod-sequences of a folder, which outlive processes and are given by several of them.
//
// Under "M" the folder has one record: the highest mod-sequence, from which one on expunged UIDs are known, and how many
// bytes of them are kept. Under "G" and a mod-sequence, what was expunged with it (by each process that saw it: a UID may
// stand there more than once, which costs a client nothing; one that is missing would stay in its list for ever):
//
//   gone = crc packed
//   packed = count *( gap length )          ; ranges of UIDs: begin less the end before, and how many

import { crc32 } from 'node:zlib';
import type { ChangeStore, KnownState, Noted } from '@q/mailbox';
import type { AccountStore } from './account-store.ts';
import { kindPrefix, numberOf, recordKey } from './keys.ts';
import { GONE_BYTES_MAX, STATES_SHIFT } from './limits.ts';
import { damagedRecord, Packer, Unpacker } from './packed.ts';
import { decodeStates, encodeStates } from './states.ts';
import type { Reading, Writing } from './store.ts';

interface Head {
  readonly highest: number;
  /** What was expunged with this mod-sequence or before is not known. */
  readonly knownFrom: number;
  readonly goneBytes: number;
}

type Kept = Pick<AccountStore, 'get' | 'peek' | 'keys' | 'refresh' | 'write' | 'damaged'>;

export class Changes implements ChangeStore {
  readonly #store: Kept;
  readonly #now: () => number;
  readonly #dropped: (transaction: Writing, uids: readonly number[]) => void;
  readonly #states: Buffer;
  readonly #head: Buffer;
  readonly #gone: Buffer;
  /** Also when the store was lost meanwhile, mod-sequences go on from here. */
  #highest = 0;
  /** Blocks of states that could not be read: whose messages they were, and which of those went since, is not known. */
  readonly #damaged = new Set<string>();

  /** `dropped` is told what is gone, in the same transaction. */
  constructor(
    mailboxId: string,
    store: Kept,
    now: () => number,
    dropped: (transaction: Writing, uids: readonly number[]) => void,
  ) {
    this.#store = store;
    this.#now = now;
    this.#dropped = dropped;
    this.#states = kindPrefix(mailboxId, 'N');
    this.#head = recordKey(kindPrefix(mailboxId, 'M'), 0);
    this.#gone = kindPrefix(mailboxId, 'G');
  }

  get highest(): number {
    this.#store.refresh();
    this.#highest = Math.max(this.#highest, this.#readHead(this.#store)?.highest ?? 0);
    return this.#highest;
  }

  *load(): Generator<KnownState, void, undefined> {
    this.#store.refresh();
    const lists = new Map<string, readonly string[]>();
    for (const key of this.#store.keys(this.#states)) {
      const bytes = this.#store.get(key);
      if (bytes !== undefined) yield* this.#decode(key, bytes, lists);
    }
  }

  note(changed: readonly Omit<KnownState, 'modseq'>[], gone: readonly number[]): Noted {
    const noted = this.#store.write((transaction) => this.#note(transaction, changed, gone));
    this.#damaged.clear();
    this.#highest = noted.modseq;
    return noted;
  }

  goneSince(since: number): readonly number[] | undefined {
    this.#store.refresh();
    const head = this.#readHead(this.#store);
    if (head === undefined || since < head.knownFrom || this.#damaged.size > 0) return undefined;
    const uids: number[] = [];
    for (const key of this.#store.keys(this.#gone)) {
      if (numberOf(key) <= since) continue;
      const bytes = this.#store.get(key);
      try {
        if (bytes !== undefined) for (const uid of decodeGone(bytes)) uids.push(uid);
      } catch {
        this.#store.damaged('a list of expunged messages');
        return undefined;
      }
    }
    return uids;
  }

  #note(
    transaction: Writing,
    changed: readonly Omit<KnownState, 'modseq'>[],
    gone: readonly number[],
  ): Noted {
    const head = this.#readHead(transaction);
    const modseq = Math.max(this.#highest + 1, (head?.highest ?? 0) + 1, this.#now());
    const kept = new Map<number, number>();
    for (const [number, part] of byBlock(changed, gone))
      this.#noteBlock(transaction, number, part, { modseq, kept });
    if (gone.length > 0) this.#dropped(transaction, gone);
    const knownFrom = this.#forgetDamaged(transaction) ? modseq : (head?.knownFrom ?? modseq);
    const goneBytes = head?.goneBytes ?? 0;
    this.#writeHead(
      transaction,
      this.#writeGone(transaction, gone, { highest: modseq, knownFrom, goneBytes }),
    );
    return { modseq, kept };
  }

  /** True when there were damaged blocks; those that nobody has written anew are removed. */
  #forgetDamaged(transaction: Writing): boolean {
    if (this.#damaged.size === 0) return false;
    for (const name of this.#damaged) {
      const key = Buffer.from(name, 'latin1');
      const bytes = transaction.get(key);
      if (bytes !== undefined && !isReadable(bytes)) transaction.remove(key);
    }
    return true;
  }

  #noteBlock(
    transaction: Writing,
    number: number,
    part: BlockChange,
    noted: { modseq: number; kept: Map<number, number> },
  ): void {
    const key = recordKey(this.#states, number);
    const bytes = transaction.get(key);
    const states = new Map<number, KnownState>();
    if (bytes !== undefined)
      for (const state of this.#decode(key, bytes)) states.set(state.uid, state);
    let isOther = false;
    for (const state of part.changed) {
      const before = states.get(state.uid);
      if (before !== undefined && isSame(before, state)) {
        noted.kept.set(state.uid, before.modseq);
        continue;
      }
      states.set(state.uid, { ...state, modseq: noted.modseq });
      isOther = true;
    }
    for (const uid of part.gone) if (states.delete(uid)) isOther = true;
    if (states.size === 0) transaction.remove(key);
    else if (isOther) transaction.put(key, encodeStates(states.values()));
  }

  /** Keeps the list of what is gone within its bound; the oldest go first. */
  #writeGone(transaction: Writing, uids: readonly number[], head: Head): Head {
    if (uids.length === 0) return head;
    const record = encodeGone(uids);
    transaction.put(recordKey(this.#gone, head.highest), record);
    let goneBytes = head.goneBytes + record.length;
    let { knownFrom } = head;
    if (goneBytes > GONE_BYTES_MAX) {
      for (const key of transaction.keys(this.#gone)) {
        if (goneBytes <= GONE_BYTES_MAX / 2 || numberOf(key) === head.highest) break;
        goneBytes -= transaction.peek(key)?.length ?? 0;
        knownFrom = numberOf(key);
        transaction.remove(key);
      }
    }
    return { highest: head.highest, knownFrom, goneBytes: Math.max(0, goneBytes) };
  }

  #decode(key: Buffer, bytes: Buffer, lists?: Map<string, readonly string[]>): KnownState[] {
    try {
      return decodeStates(bytes, lists);
    } catch {
      // Whoever loads them finds messages that are not known, and notes them.
      this.#damaged.add(key.toString('latin1'));
      this.#store.damaged('a block of mod-sequences');
      return [];
    }
  }

  #readHead(reading: Reading): Head | undefined {
    const bytes = reading.get(this.#head);
    if (bytes?.length !== HEAD_SIZE) return undefined;
    if (crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return undefined;
    const [highest, knownFrom, goneBytes] = [4, 12, 20].map((at) => bytes.readDoubleLE(at));
    return { highest, knownFrom, goneBytes } as Head;
  }

  #writeHead(transaction: Writing, head: Head): void {
    const bytes = Buffer.alloc(HEAD_SIZE);
    bytes.writeDoubleLE(head.highest, 4);
    bytes.writeDoubleLE(head.knownFrom, 12);
    bytes.writeDoubleLE(head.goneBytes, 20);
    bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
    transaction.put(this.#head, bytes);
  }
}

function isReadable(states: Buffer): boolean {
  try {
    decodeStates(states);
    return true;
  } catch {
    return false;
  }
}

interface BlockChange {
  readonly changed: Omit<KnownState, 'modseq'>[];
  readonly gone: number[];
}

function byBlock(
  changed: readonly Omit<KnownState, 'modseq'>[],
  gone: readonly number[],
): Map<number, BlockChange> {
  const blocks = new Map<number, BlockChange>();
  const of = (uid: number) => {
    const number = Math.floor(uid / 2 ** STATES_SHIFT);
    const part = blocks.get(number) ?? { changed: [], gone: [] };
    blocks.set(number, part);
    return part;
  };
  for (const state of changed) of(state.uid).changed.push(state);
  for (const uid of gone) of(uid).gone.push(uid);
  return blocks;
}

function isSame(a: Omit<KnownState, 'modseq'>, b: Omit<KnownState, 'modseq'>): boolean {
  if (a.flags !== b.flags || a.keywords.length !== b.keywords.length) return false;
  return a.keywords.every((keyword, i) => keyword === b.keywords[i]);
}

function encodeGone(uids: readonly number[]): Buffer {
  const sorted = [...uids].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const uid of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && uid === last[0] + last[1]) last[1]++;
    else ranges.push([uid, 1]);
  }
  const packer = new Packer();
  packer.number(ranges.length);
  let end = 0;
  for (const [start, length] of ranges) {
    packer.number(start - end);
    packer.number(length);
    end = start + length;
  }
  const bytes = packer.packed(4);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

function* decodeGone(bytes: Buffer): Generator<number, void, undefined> {
  if (bytes.length < 5 || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) throw damagedRecord();
  const unpacker = new Unpacker(bytes, 4);
  let at = 0;
  for (let left = unpacker.number(); left > 0; left--) {
    at += unpacker.number();
    for (let length = unpacker.number(); length > 0; length--) yield at++;
  }
}

const HEAD_SIZE = 28;
