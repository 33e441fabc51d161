// One kind of records of a folder: read by blocks, kept in memory as long as there is room, written some time later.

import { BASE_MAX, Block, type Entry, encodeBlock } from './block.ts';
import { type Kind, kindPrefix, recordKey } from './keys.ts';
import { RECORD_MAX } from './limits.ts';
import type { Held, Recent } from './recent.ts';
import type { Reading, Writing } from './store.ts';

/** Of which message. */
export interface Whose {
  readonly uid: number;
  readonly base: string;
}

export interface TableOptions<T> {
  readonly kind: Kind;
  /** UIDs of a block as a power of two. */
  readonly shift: number;
  encode(value: T): Buffer;
  /** Throws when it is damaged. */
  decode(record: Buffer): T;
  /** Decoded values stay with their block: they are wanted again and again. */
  readonly keepsDecoded: boolean;
}

interface Pending<T> extends Entry {
  /** Undefined: not decoded yet. */
  value: T | undefined;
}

class BlockInMemory<T> implements Held {
  readonly block: Block | undefined;
  /** Decoded, by the place of the UID in the block; and the message each was found to belong to. */
  readonly values: (T | undefined)[] = [];
  readonly whose: (Whose | undefined)[] = [];
  readonly release: () => void;
  size: number;

  constructor(block: Block | undefined, release: () => void) {
    this.block = block;
    this.release = release;
    this.size = (block?.bytes.length ?? 0) + OVERHEAD;
  }
}

export class RecordTable<T> {
  readonly #options: TableOptions<T>;
  readonly #prefix: Buffer;
  readonly #store: Reading & { damaged(what: string): void };
  readonly #recent: Recent;
  readonly #blocks = new Map<number, BlockInMemory<T>>();
  readonly #pending = new Map<number, Map<number, Pending<T>>>();
  /** Bytes that wait to be written. */
  pendingBytes = 0;

  constructor(
    mailboxId: string,
    store: Reading & { damaged(what: string): void },
    recent: Recent,
    options: TableOptions<T>,
  ) {
    this.#options = options;
    this.#prefix = kindPrefix(mailboxId, options.kind);
    this.#store = store;
    this.#recent = recent;
  }

  /** A message that is asked for again is known by its object, which stays as it is. */
  get(message: Whose): T | undefined {
    const { uid } = message;
    const number = this.#numberOf(uid);
    const pending = this.#pending.size === 0 ? undefined : this.#pending.get(number)?.get(uid);
    if (pending !== undefined) {
      if (pending.base !== message.base) return undefined;
      pending.value ??= this.#options.decode(pending.record);
      return pending.value;
    }
    const held = this.#blocks.get(number) ?? this.#load(number);
    if (held.block === undefined) return undefined;
    const place = uid - ((number << this.#options.shift) >>> 0);
    if (held.whose[place] === message) return held.values[place];
    try {
      return this.#value(held, message, place);
    } catch {
      this.#dropDamaged(number);
      return undefined;
    }
  }

  put(message: Whose, value: T): void {
    this.#add(message, this.#options.encode(value), value);
  }

  /** What is encoded already; `value`: and decoded. */
  putRecord(message: Whose, record: Buffer, value?: T): void {
    this.#add(message, record, value);
  }

  #add({ uid, base }: Whose, record: Buffer, value: T | undefined): void {
    if (record.length > RECORD_MAX || base.length > BASE_MAX) return;
    const number = this.#numberOf(uid);
    const block = this.#pending.get(number) ?? new Map<number, Pending<T>>();
    this.#pending.set(number, block);
    this.pendingBytes += record.length - (block.get(uid)?.record.length ?? 0);
    block.set(uid, { uid, base, record, value });
  }

  /** Numbers of the blocks with something to write. */
  pendingBlocks(): number[] {
    return [...this.#pending.keys()];
  }

  /** Writes what waits for one block, together with what others wrote there. */
  flush(transaction: Writing, number: number): void {
    const added = this.#pending.get(number);
    if (added === undefined) return;
    const entries = new Map<number, Entry>(added);
    for (const entry of this.#stored(transaction, number))
      if (!entries.has(entry.uid)) entries.set(entry.uid, entry);
    transaction.put(recordKey(this.#prefix, number), encodeBlock(entries.values()));
  }

  /** What waited for it is written. */
  flushed(number: number): void {
    for (const { record } of this.#pending.get(number)?.values() ?? [])
      this.pendingBytes -= record.length;
    this.#pending.delete(number);
    this.#forget(number);
  }

  /** Removes the records of these UIDs. */
  drop(transaction: Writing, uids: readonly number[]): void {
    const byBlock = new Map<number, Set<number>>();
    for (const uid of uids) {
      const number = this.#numberOf(uid);
      const gone = byBlock.get(number);
      if (gone === undefined) byBlock.set(number, new Set([uid]));
      else gone.add(uid);
    }
    for (const [number, gone] of byBlock) this.#dropFrom(transaction, number, gone);
  }

  #dropFrom(transaction: Writing, number: number, gone: ReadonlySet<number>): void {
    const pending = this.#pending.get(number);
    for (const uid of gone) {
      this.pendingBytes -= pending?.get(uid)?.record.length ?? 0;
      pending?.delete(uid);
    }
    if (pending?.size === 0) this.#pending.delete(number);
    const key = recordKey(this.#prefix, number);
    // All UIDs it can have: what is in it need not be read.
    const isWhole = gone.size === 2 ** this.#options.shift;
    const stored = isWhole ? [] : this.#stored(transaction, number);
    const left = stored.filter(({ uid }) => !gone.has(uid));
    if (left.length === 0) transaction.remove(key);
    else if (left.length < stored.length) transaction.put(key, encodeBlock(left));
    this.#forget(number);
  }

  #stored(reading: Reading, number: number): Entry[] {
    const bytes = reading.get(recordKey(this.#prefix, number));
    if (bytes === undefined) return [];
    try {
      return [...new Block(bytes).entries()];
    } catch {
      this.#store.damaged('a block');
      return [];
    }
  }

  #value(held: BlockInMemory<T>, message: Whose, place: number): T | undefined {
    const block = held.block as Block;
    const index = block.find(message.uid);
    if (index < 0) return undefined;
    const record = block.record(index, message.base);
    if (record === undefined) return undefined;
    if (!this.#options.keepsDecoded) return this.#options.decode(record);
    const known = held.values[place];
    const value = known ?? this.#options.decode(record);
    if (known === undefined) held.size += record.length * DECODED_FACTOR;
    held.values[place] = value;
    held.whose[place] = message;
    return value;
  }

  #load(number: number): BlockInMemory<T> {
    const bytes = this.#store.get(recordKey(this.#prefix, number));
    let block: Block | undefined;
    try {
      block = bytes && new Block(bytes);
    } catch {
      this.#dropDamaged(number);
    }
    const held = new BlockInMemory<T>(block, () => this.#blocks.delete(number));
    this.#blocks.set(number, held);
    this.#recent.use(held);
    return held;
  }

  /** The damaged block is taken for none: the next that is written in its place takes it away. */
  #dropDamaged(number: number): void {
    this.#store.damaged('a block');
    this.#forget(number);
    this.#blocks.set(number, new BlockInMemory<T>(undefined, () => this.#blocks.delete(number)));
  }

  #forget(number: number): void {
    const held = this.#blocks.get(number);
    if (held === undefined) return;
    this.#recent.drop(held);
    this.#blocks.delete(number);
  }

  #numberOf(uid: number): number {
    return uid >>> this.#options.shift;
  }
}

/** Bytes of a block's bookkeeping. */
const OVERHEAD = 256;
/** What a decoded record takes, by its bytes on disk: strings, addresses, objects. */
const DECODED_FACTOR = 4;
