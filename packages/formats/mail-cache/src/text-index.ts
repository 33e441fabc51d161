// The index of one part (headers or bodies) of a folder's messages: segments of their text, searched with the help of
// filters. Segments are numbered in the order they were made; the last one is added to until it is full.

import { crc32 } from 'node:zlib';
import type { FolderMessage } from '@q/mailbox';
import type { AccountStore } from './account-store.ts';
import { BASE_MAX } from './block.ts';
import { type Kind, kindPrefix, numberOf, recordKey } from './keys.ts';
import { SEGMENT_TEXT } from './limits.ts';
import { findHit, type Query } from './query.ts';
import type { Held, Recent } from './recent.ts';
import type { Part } from './searched-text.ts';
import {
  candidates,
  type Directory,
  type Document,
  decodeDirectory,
  encodeSegment,
  type Place,
} from './segment.ts';
import type { Reading, Writing } from './store.ts';
import type { Turns } from './turns.ts';

/** What the index says of some messages; the others it does not know. `long`: known as too long, so each search reads its file. */
export type Told = Map<FolderMessage, 'hit' | 'miss' | 'long'>;

/** A directory as it was read last, for the next search. Throws when it is damaged. */
class HeldDirectory implements Held {
  readonly bytes: Buffer;
  readonly directory: Directory;
  readonly size: number;
  readonly release: () => void;

  constructor(bytes: Buffer, release: () => void) {
    this.bytes = bytes;
    this.directory = decodeDirectory(bytes);
    this.size = bytes.length + this.directory.places.length * PLACE_SIZE;
    this.release = release;
  }
}

export class TextIndex {
  readonly #store: AccountStore;
  readonly #recent: Recent;
  readonly #held = new Map<number, HeldDirectory>();
  readonly #directories: Buffer;
  readonly #filters: Buffer;
  readonly #texts: Buffer;
  readonly #pending = new Map<number, Document>();
  /** What the last flush() wrote. */
  #written: Document[] = [];
  /** Checksums of texts that were verified: they are not damaged while they are in memory. */
  readonly #verified = new Set<number>();
  pendingBytes = 0;
  /** How many messages the last search met here, those that are gone included. */
  known = 0;

  constructor(mailboxId: string, part: Part, store: AccountStore, recent: Recent) {
    const kinds: readonly Kind[] = part === 'header' ? ['d', 'f', 't'] : ['D', 'E', 'T'];
    const [directories, filters, texts] = kinds.map((kind) => kindPrefix(mailboxId, kind));
    this.#directories = directories as Buffer;
    this.#filters = filters as Buffer;
    this.#texts = texts as Buffer;
    this.#store = store;
    this.#recent = recent;
  }

  /** Looks for the query in what is known of the messages, which are given by UID. */
  async find(
    query: Query,
    messages: ReadonlyMap<number, FolderMessage>,
    turns: Turns,
  ): Promise<Told> {
    const told: Told = new Map();
    this.#findPending(query, messages, told);
    this.#store.refresh();
    this.known = this.#pending.size;
    for (const key of this.#store.keys(this.#directories)) {
      this.#findIn(numberOf(key), query, messages, told);
      if (turns.due) await turns.give();
    }
    return told;
  }

  /** It will be known from now on, and be written by flush(). */
  add(document: Document): void {
    if (document.base.length > BASE_MAX) return;
    this.pendingBytes += document.text?.length ?? 0;
    this.pendingBytes -= this.#pending.get(document.uid)?.text?.length ?? 0;
    this.#pending.set(document.uid, document);
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Writes one segment of what waits; flushed() follows when that is done. */
  flush(transaction: Writing): void {
    let number = numberOf(transaction.keys(this.#directories).at(-1) ?? ZERO);
    let documents = this.#documents(transaction, number) ?? [];
    let length = lengthOf(documents);
    this.#written = [];
    for (const document of this.#pending.values()) {
      const added = document.text?.length ?? 0;
      if (documents.length > 0 && length + added > SEGMENT_TEXT) {
        if (this.#written.length > 0) break;
        // The last one is full.
        number++;
        documents = [];
        length = 0;
      }
      documents.push(document);
      this.#written.push(document);
      length += added;
    }
    if (this.#written.length > 0) this.#put(transaction, number, documents);
  }

  flushed(): void {
    for (const document of this.#written) {
      this.pendingBytes -= document.text?.length ?? 0;
      this.#pending.delete(document.uid);
    }
    this.#written = [];
  }

  /**
   * Removes what is not of messages with these UIDs, where it is half of a segment or more; what else was in the segment
   * joins the last ones.
   */
  async compact(alive: ReadonlySet<number>, turns: Turns): Promise<void> {
    const emptied: number[] = [];
    const write = () => {
      this.#store.write((transaction) => {
        for (const number of emptied) this.#removeFrom(transaction, number);
        this.flush(transaction);
      });
      emptied.length = 0;
      this.flushed();
    };
    const seen = new Set<number>();
    for (const key of this.#store.keys(this.#directories)) {
      const number = numberOf(key);
      const documents = this.#documents(this.#store, number) ?? [];
      const kept = documents.filter(({ uid }) => alive.has(uid) && !seen.has(uid));
      for (const { uid } of documents) seen.add(uid);
      if (kept.length * 2 > documents.length) continue;
      emptied.push(number);
      for (const document of kept) this.add(document);
      if (this.pendingBytes > SEGMENT_TEXT) write();
      if (turns.due) await turns.give();
    }
    if (emptied.length > 0) write();
  }

  #findPending(query: Query, messages: ReadonlyMap<number, FolderMessage>, told: Told): void {
    for (const { uid, base, text } of this.#pending.values()) {
      const message = messages.get(uid);
      if (message?.base !== base) continue;
      if (text === undefined) told.set(message, 'long');
      else told.set(message, findHit(query, text, 0, text.length) >= 0 ? 'hit' : 'miss');
    }
  }

  #findIn(
    number: number,
    query: Query,
    messages: ReadonlyMap<number, FolderMessage>,
    told: Told,
  ): void {
    const directory = this.#directory(number);
    if (directory === undefined) return;
    this.known += directory.places.length;
    const wanted: (readonly [Place, FolderMessage])[] = [];
    for (const place of directory.places) {
      const message = messages.get(place.uid);
      if (message === undefined || message.base !== place.base || told.has(message)) continue;
      if (place.isHere) wanted.push([place, message]);
      else told.set(message, 'long');
    }
    if (wanted.length === 0) return;
    const hits = this.#hits(number, directory, query);
    if (hits === undefined) return;
    for (const [place, message] of wanted) told.set(message, hits.has(place) ? 'hit' : 'miss');
  }

  /** The places with a hit. Undefined: the segment is damaged, and removed. */
  #hits(number: number, directory: Directory, query: Query): Set<Place> | undefined {
    const hits = new Set<Place>();
    const filter =
      directory.chunk === 0 ? EMPTY : this.#store.peek(recordKey(this.#filters, number));
    if (filter === undefined) return this.#remove(number);
    const mask = candidates(directory, filter, query.needle);
    if (mask === 0) return hits;
    const text = this.#store.peek(recordKey(this.#texts, number));
    if (text === undefined || !this.#isSound(text, directory)) return this.#remove(number);
    const { chunk, places } = directory;
    const size = chunk === 0 ? text.length : chunk;
    let current = 0;
    for (let i = 0, start = 0; start < text.length; i++, start += size) {
      if (((mask >>> i) & 1) === 0) continue;
      const end = Math.min(text.length, start + size + query.needle.length - 1);
      for (let at = start; at < end; ) {
        const hit = findHit(query, text, at, end);
        if (hit < 0) break;
        while ((places[current] as Place).end <= hit) current++;
        const place = places[current] as Place;
        hits.add(place);
        // One is enough; the next message's text begins with a BREAK.
        at = place.end;
      }
    }
    return hits;
  }

  #isSound(text: Buffer, directory: Directory): boolean {
    if (text.length !== directory.textLength) return false;
    if (this.#verified.has(directory.textCrc)) return true;
    if (crc32(text) !== directory.textCrc) return false;
    this.#verified.add(directory.textCrc);
    return true;
  }

  /** It is read each time, as others may have written it, but taken apart only when it is another. */
  #directory(number: number): Directory | undefined {
    const bytes = this.#store.peek(recordKey(this.#directories, number));
    if (bytes === undefined) return undefined;
    try {
      const before = this.#held.get(number);
      const isSame = before?.bytes.equals(bytes) === true;
      if (before !== undefined && !isSame) this.#recent.drop(before);
      const held = isSame
        ? before
        : new HeldDirectory(Buffer.from(bytes), () => this.#held.delete(number));
      this.#held.set(number, held);
      this.#recent.use(held);
      return held.directory;
    } catch {
      return this.#remove(number);
    }
  }

  /** What a segment holds, when it may be added to. */
  #documents(reading: Reading, number: number): Document[] | undefined {
    const directory = reading.get(recordKey(this.#directories, number));
    const text = reading.get(recordKey(this.#texts, number));
    if (directory === undefined || text === undefined) return undefined;
    try {
      const { places, textLength, textCrc } = decodeDirectory(directory);
      if (text.length !== textLength || crc32(text) !== textCrc) return undefined;
      return places.map(({ uid, base, start, end, isHere }) => ({
        uid,
        base,
        text: isHere ? text.subarray(start, end) : undefined,
      }));
    } catch {
      return undefined;
    }
  }

  #put(transaction: Writing, number: number, documents: readonly Document[]): void {
    const { directory, filter, text } = encodeSegment(documents);
    transaction.put(recordKey(this.#directories, number), directory);
    transaction.put(recordKey(this.#texts, number), text);
    const filterKey = recordKey(this.#filters, number);
    if (filter.length === 0) transaction.remove(filterKey);
    else transaction.put(filterKey, filter);
  }

  #remove(number: number): undefined {
    this.#store.damaged('a segment of the text index');
    this.#store.write((transaction) => this.#removeFrom(transaction, number));
    return undefined;
  }

  #removeFrom(transaction: Writing, number: number): void {
    for (const prefix of [this.#directories, this.#filters, this.#texts])
      transaction.remove(recordKey(prefix, number));
  }
}

function lengthOf(documents: readonly Document[]): number {
  return documents.reduce((sum, { text }) => sum + (text?.length ?? 0), 0);
}

/** Bytes of a place in memory, its base name's included. */
const PLACE_SIZE = 160;
const EMPTY: Buffer = Buffer.alloc(0);
/** Stands for the key of a segment 0, when there is none. */
const ZERO: Buffer = Buffer.alloc(6);
