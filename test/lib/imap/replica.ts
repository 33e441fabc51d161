// What a client knows of the selected mailbox, from what the server told it and from nothing else. It throws where the
// server says what cannot be: RFC 9051 sections 2.3.1 and 7, RFC 7162.

import { itemsOf, type Response, type Value } from './wire.ts';

export interface Known {
  uid: number | undefined;
  flags: ReadonlySet<string> | undefined;
  modseq: number | undefined;
}

export class Replica {
  /** By message number less 1. */
  messages: Known[] = [];
  recent = 0;
  uidValidity: number | undefined;
  uidNext: number | undefined;
  highestModseq = 0;
  permanentKeywords = false;
  /** While a command runs during which no EXPUNGE may come (RFC 9051, 7.5.1). */
  quiet = false;
  /** Every UID ever seen here. */
  #largestUid = 0;

  /** SELECT begins anew. */
  clear(): void {
    this.messages = [];
    this.recent = 0;
    this.#largestUid = 0;
    this.uidValidity = undefined;
    this.uidNext = undefined;
    this.highestModseq = 0;
  }

  heard(response: Response): void {
    const [first, second, third] = response.values;
    if (typeof first !== 'string') return;
    const number = Number(first);
    if (second === 'EXISTS') this.#exists(number);
    else if (second === 'RECENT') this.recent = number;
    else if (second === 'EXPUNGE') this.#expunged(number);
    else if (second === 'FETCH') this.#fetched(number, third);
    else if (first === 'VANISHED') this.#vanished(second, third);
    else if (first === 'OK') this.#code(response.text);
  }

  indexOfUid(uid: number): number {
    return this.messages.findIndex((message) => message.uid === uid);
  }

  #exists(count: number): void {
    if (count < this.messages.length)
      throw new Error(`EXISTS fell from ${this.messages.length} to ${count} without EXPUNGE`);
    while (this.messages.length < count)
      this.messages.push({ uid: undefined, flags: undefined, modseq: undefined });
  }

  #expunged(number: number): void {
    if (this.quiet) throw new Error('EXPUNGE while message numbers are in use');
    if (number < 1 || number > this.messages.length)
      throw new Error(`EXPUNGE ${number} of ${this.messages.length}`);
    this.messages.splice(number - 1, 1);
  }

  #vanished(earlier: Value, set: Value): void {
    const ranges = typeof earlier === 'string' ? earlier : set;
    if (typeof ranges !== 'string') throw new Error('VANISHED without UIDs');
    const before = this.messages.length;
    const gone = (uid: number) =>
      ranges.split(',').some((range) => {
        const [low, high = low] = range.split(':').map(Number) as [number, number?];
        return uid >= low && uid <= high;
      });
    this.messages = this.messages.filter(({ uid }) => uid === undefined || !gone(uid));
    if (typeof earlier === 'string' && this.quiet && before !== this.messages.length)
      throw new Error('VANISHED while message numbers are in use');
  }

  #fetched(number: number, list: Value): void {
    const known = this.messages[number - 1];
    if (known === undefined) throw new Error(`FETCH of ${number}, of ${this.messages.length}`);
    const items = itemsOf(list);
    const uid = items.get('UID');
    if (typeof uid === 'string') {
      if (known.uid !== undefined && known.uid !== Number(uid))
        throw new Error(`message ${number} had UID ${known.uid} and has ${uid}`);
      known.uid = Number(uid);
      this.#inOrder(number - 1);
      this.#largestUid = Math.max(this.#largestUid, known.uid);
    }
    const flags = items.get('FLAGS');
    if (Array.isArray(flags)) known.flags = new Set(flags as string[]);
    const modseq = items.get('MODSEQ');
    if (Array.isArray(modseq)) {
      const value = Number(modseq[0]);
      if (known.modseq !== undefined && value < known.modseq)
        throw new Error(`MODSEQ of message ${number} fell from ${known.modseq} to ${value}`);
      known.modseq = value;
    }
  }

  /** UIDs ascend with message numbers. */
  #inOrder(index: number): void {
    const { uid } = this.messages[index] as Known & { uid: number };
    const before = this.messages.slice(0, index).findLast((other) => other.uid !== undefined)?.uid;
    const after = this.messages.slice(index + 1).find((other) => other.uid !== undefined)?.uid;
    if ((before ?? 0) >= uid || (after ?? Number.POSITIVE_INFINITY) <= uid)
      throw new Error(`UID ${uid} is out of order, between ${before} and ${after}`);
  }

  #code(text: string): void {
    const code = /^OK \[(\w+) ?([^\]]*)\]/.exec(text);
    if (code?.[1] === 'UIDVALIDITY') this.uidValidity = Number(code[2]);
    if (code?.[1] === 'UIDNEXT') this.uidNext = Number(code[2]);
    if (code?.[1] === 'HIGHESTMODSEQ') this.highestModseq = Number(code[2]);
    if (code?.[1] === 'PERMANENTFLAGS') this.permanentKeywords = (code[2] ?? '').includes('\\*');
  }
}
