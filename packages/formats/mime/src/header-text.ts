// A header's text in whole unfolded fields, from pieces: an encoded word may be folded from the next, and must not be cut.

import { FIELD_MAX } from './limits.ts';

export class HeaderText {
  #held = '';

  /** The fields that are complete: each on one line, which ends in LF. */
  push(bytes: Buffer): string {
    const text = this.#held + bytes.toString('latin1', 0, bytes.length);
    const end = completeEnd(text);
    this.#held = text.slice(end);
    if (this.#held.length <= FIELD_MAX) return unfolded(text.slice(0, end));
    // A field beyond the bound is given in pieces: decoded as well as can be.
    const all = unfolded(text);
    this.#held = '';
    return all;
  }

  end(): string {
    const rest = unfolded(this.#held);
    this.#held = '';
    return rest;
  }
}

/** Behind the last line end that the byte behind it shows to end a field. */
function completeEnd(text: string): number {
  for (
    let lf = text.lastIndexOf('\n', text.length - 2);
    lf >= 0;
    lf = text.lastIndexOf('\n', lf - 1)
  ) {
    const next = text[lf + 1];
    if (next !== ' ' && next !== '\t') return lf + 1;
    if (lf === 0) break;
  }
  return 0;
}

function unfolded(text: string): string {
  return text.replace(/\r?\n(?=[ \t])/g, '').replace(/\r\n/g, '\n');
}
