// The keywords of a folder's messages in memory: few different lists, each one object; one spelling a keyword.

import { asciiLower } from '@q/bytes';
import { KEYWORD_LENGTH_MAX } from './limits.ts';

export type KeywordList = readonly string[];

export const NO_KEYWORDS: KeywordList = Object.freeze([]);

/** Spellings and lists that no message has are forgotten when there are so many. */
const KEPT = 1024;

export class KeywordNames {
  #spellings = new Map<string, string>();
  #lists = new Map<string, KeywordList>();
  readonly #uses = new Map<KeywordList, number>();
  #inUse: readonly string[] | undefined = [];

  /** Those that messages have, sorted. */
  get inUse(): readonly string[] {
    this.#inUse ??= [...new Set([...this.#uses.keys()].flat())].sort();
    return this.#inUse;
  }

  /** The list of these names, each in the spelling that was met first. What cannot be one is left out. */
  listOf(names: Iterable<string>): KeywordList {
    const spelled = new Set<string>();
    for (const name of names) if (isKeyword(name)) spelled.add(this.#spell(name));
    if (spelled.size === 0) return NO_KEYWORDS;
    const sorted = [...spelled].sort();
    const key = sorted.join(' ');
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    if (this.#lists.size > KEPT) this.#forgetUnused();
    this.#lists.set(key, Object.freeze(sorted));
    return sorted;
  }

  /** A message has `list` instead of `old`. */
  replace(old: KeywordList, list: KeywordList): void {
    if (old === list) return;
    if (old !== NO_KEYWORDS) {
      const left = (this.#uses.get(old) ?? 1) - 1;
      if (left > 0) this.#uses.set(old, left);
      else this.#uses.delete(old);
      if (left <= 0) this.#inUse = undefined;
    }
    if (list === NO_KEYWORDS) return;
    const uses = this.#uses.get(list) ?? 0;
    this.#uses.set(list, uses + 1);
    if (uses === 0) this.#inUse = undefined;
  }

  #spell(name: string): string {
    const lower = asciiLower(name);
    const known = this.#spellings.get(lower);
    if (known !== undefined) return known;
    if (this.#spellings.size > KEPT) this.#forgetUnused();
    this.#spellings.set(lower, name);
    return name;
  }

  #forgetUnused(): void {
    this.#spellings = new Map(this.inUse.map((name) => [asciiLower(name), name]));
    this.#lists = new Map([...this.#uses.keys()].map((list) => [list.join(' '), list]));
  }
}

/** An atom or close to one: others may have written it, but it must be fit for a line, and for an answer. */
export function isKeyword(name: string): boolean {
  return name.length <= KEYWORD_LENGTH_MAX && /^[^\x00-\x20\x7f\\(){%*"\]]+$/.test(name);
}
