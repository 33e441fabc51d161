// A POP3 command line: RFC 1939 section 3, with the tolerances of qmail's commands loop.

import { textOf } from '@q/bytes';

export interface Command {
  /** Upper case, "" for an empty line. */
  readonly verb: string;
  /** What stands after the spaces that follow the verb, latin1, "" when nothing does. */
  readonly argument: string;
}

/**
 * Splits a line without its line end.
 *
 *     command = keyword *( SP argument ) CRLF        keyword in any case
 *
 * As in qmail the whole run of spaces after the verb is the separator; spaces further on, and at the end,
 * belong to the argument (a password may hold them).
 */
export function parseCommand(line: Uint8Array): Command {
  const text = textOf(line);
  const space = text.indexOf(' ');
  if (space < 0) return { verb: upper(text), argument: '' };
  let start = space;
  while (text[start] === ' ') start++;
  return { verb: upper(text.slice(0, space)), argument: text.slice(start) };
}

/**
 * A decimal number that is the whole of `text` but for surrounding spaces, which some clients leave;
 * undefined for anything else. One too large for a double is Infinity: larger than any mailbox, and
 * never wrapped into it.
 *
 *     number = 1*DIGIT
 */
export function parseNumber(text: string): number | undefined {
  const digits = /^ *([0-9]+) *$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Up to two numbers, as TOP has them; undefined when there is anything else. */
export function parseNumbers(text: string): readonly number[] | undefined {
  const words = text.split(' ').filter((word) => word !== '');
  if (words.length > 2) return undefined;
  const numbers: number[] = [];
  for (const word of words) {
    const number = parseNumber(word);
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  return numbers;
}

function upper(text: string): string {
  return text.replace(/[a-z]+/g, (run) => run.toUpperCase());
}
