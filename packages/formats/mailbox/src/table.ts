// The messages of a folder in memory, and what lately became of them.

import { type KeywordList, KeywordNames, NO_KEYWORDS } from './keyword-names.ts';
import { CHANGES_KEPT } from './limits.ts';
import type { FolderMessage } from './model.ts';
import type { Ending } from './name.ts';

/** A message as only this package may change it. */
export class Stored implements FolderMessage {
  readonly uid: number;
  readonly base: string;
  ending: Ending;
  keywords: KeywordList = NO_KEYWORDS;
  modseq = 0;
  gone = false;
  /** The last scan that saw its file. */
  scan = 0;

  constructor(uid: number, base: string, ending: Ending) {
    this.uid = uid;
    this.base = base;
    this.ending = ending;
  }

  get flags(): number {
    return this.ending.flags;
  }

  /** Its file's name in cur. */
  get name(): string {
    return this.base + this.ending.text;
  }
}

export class MessageTable {
  readonly names = new KeywordNames();
  readonly #byBase = new Map<string, Stored>();
  #list: Stored[] = [];
  /** The last changes, oldest first; the first is number #count - #changes.length + 1. */
  #changes: Stored[] = [];
  #count = 0;

  /** Ascending by UID. Another array when messages go; the same, only longer, when they come. */
  get list(): readonly Stored[] {
    return this.#list;
  }

  get changeCount(): number {
    return this.#count;
  }

  withBase(base: string): Stored | undefined {
    return this.#byBase.get(base);
  }

  indexOf(uid: number): number {
    let from = 0;
    let to = this.#list.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#list[middle] as Stored).uid < uid) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  find(uid: number): Stored | undefined {
    const found = this.#list[this.indexOf(uid)];
    if (found?.uid === uid) return found;
    return this.#changes.findLast((message) => message.uid === uid);
  }

  /** Those that are new, in any order. */
  add(messages: readonly Stored[]): void {
    const last = this.#list.at(-1)?.uid ?? 0;
    let ascends = last;
    for (const message of messages) {
      this.#byBase.set(message.base, message);
      this.names.replace(NO_KEYWORDS, message.keywords);
      this.#list.push(message);
      ascends = message.uid > ascends ? message.uid : Number.POSITIVE_INFINITY;
    }
    if (ascends === Number.POSITIVE_INFINITY) this.#list.sort((a, b) => a.uid - b.uid);
  }

  setKeywords(message: Stored, keywords: KeywordList): void {
    this.names.replace(message.keywords, keywords);
    message.keywords = keywords;
  }

  remove(messages: readonly Stored[]): void {
    if (messages.length === 0) return;
    for (const message of messages) {
      message.gone = true;
      if (this.#byBase.get(message.base) === message) this.#byBase.delete(message.base);
      this.names.replace(message.keywords, NO_KEYWORDS);
    }
    this.#list = this.#list.filter((message) => !message.gone);
  }

  /** For changesSince(). */
  changed(messages: readonly Stored[]): void {
    this.#count += messages.length;
    // Who is behind by more than that compares all.
    if (messages.length >= CHANGES_KEPT) this.#changes = messages.slice(-CHANGES_KEPT);
    else this.#changes.push(...messages);
    if (this.#changes.length > 2 * CHANGES_KEPT) this.#changes = this.#changes.slice(-CHANGES_KEPT);
  }

  changesSince(count: number): readonly Stored[] | undefined {
    const wanted = this.#count - count;
    if (wanted > this.#changes.length || wanted < 0) return undefined;
    return wanted === 0 ? [] : [...new Set(this.#changes.slice(-wanted))];
  }
}
