// Patterns of LIST and LSUB (RFC 9051, section 6.3.9): "*" stands for any characters, "%" for any but the separator.

import { PATTERN_MAX } from './limits.ts';

/** A pattern made ready, or undefined when it is too long. */
export class ListPattern {
  readonly #parts: readonly string[];
  readonly #separator: string;

  private constructor(parts: readonly string[], separator: string) {
    this.#parts = parts;
    this.#separator = separator;
  }

  /**
   * `separator` is one character, or empty in a flat namespace, where "%" is "*". "INBOX" at the beginning is matched
   * whatever its case, as the name is: both the pattern and the names are brought to one case before.
   */
  static of(pattern: string, separator: string): ListPattern | undefined {
    if (pattern.length > PATTERN_MAX) return undefined;
    return new ListPattern(
      tokens(separator === '' ? pattern.replaceAll('%', '*') : pattern),
      separator,
    );
  }

  /** Whether the whole of `name` matches. Takes at most pattern times name steps, wherever the wildcards stand. */
  matches(name: string): boolean {
    return this.#run(name).all;
  }

  /**
   * Whether a name below `name` could match: then `name` is listed with \NonExistent and its children when the
   * pattern is for them (RFC 9051: "%" at the end lists levels that are no mailboxes), and the folder is worth entering.
   */
  matchesBelow(name: string): boolean {
    return this.#separator !== '' && this.#run(`${name}${this.#separator}`).some;
  }

  /**
   * Follows all ways through the pattern at once. `reached[i]`: the parts before i match what was read so far.
   */
  #run(name: string): { readonly all: boolean; readonly some: boolean } {
    const parts = this.#parts;
    let reached = new Uint8Array(parts.length + 1);
    reached[0] = 1;
    this.#skipWildcards(reached);
    for (const character of name) {
      const next = new Uint8Array(parts.length + 1);
      let any = false;
      for (let i = 0; i < parts.length; i++) {
        if (reached[i] === 0) continue;
        const part = parts[i];
        const stays = part === '*' || (part === '%' && character !== this.#separator);
        if (stays) next[i] = 1;
        else if (part === character) next[i + 1] = 1;
        any ||= stays || part === character;
      }
      if (!any) return { all: false, some: false };
      this.#skipWildcards(next);
      reached = next;
    }
    // Whatever is left of the pattern, some text matches it.
    return { all: reached[parts.length] === 1, some: reached.subarray(0, -1).includes(1) };
  }

  /** A wildcard also stands for nothing. */
  #skipWildcards(reached: Uint8Array): void {
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#parts[i];
      if (reached[i] === 1 && (part === '*' || part === '%')) reached[i + 1] = 1;
    }
  }
}

/** Characters, of which adjoining wildcards are one: the wider of them. */
function tokens(pattern: string): string[] {
  return [...pattern.replace(/[*%]+/g, (run) => (run.includes('*') ? '*' : '%'))];
}
