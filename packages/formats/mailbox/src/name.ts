// File names of messages as Courier makes, orders and reads them.
//
//   name    = base [ ending ]
//   base    = 1*octet                 ; no "/", ":" or LF; not a "." first
//   ending  = ":2," *ALPHA            ; flags, in ASCII order; but others wrote it, so anything after the first ":"
//   made    = seconds ".M" microseconds "P" pid "V" device "I" inode "_" n "." host ",S=" bytes
//
// Example: 1795376712.M942305P9644V000000000000FE00I000000000021254E_0.mail.example.org,S=2048:2,RS
//
// Letters: D draft, F flagged, P passed, R answered, S seen, T deleted. Other letters (Dovecot's keywords a to z) mean
// nothing here; they stay where they are when flags change, so that they are still right if Dovecot comes back.

import { hostname } from 'node:os';
import { BASE_MAX, ENDINGS_KEPT } from './limits.ts';
import { FLAG } from './model.ts';

/** What the end of a file name says. Equal endings are one object. */
export interface Ending {
  /** From the first ":" on; '' when there is none. */
  readonly text: string;
  /** Bits of FLAG. */
  readonly flags: number;
}

const endings = new Map<string, Ending>();

export function endingOf(text: string): Ending {
  const known = endings.get(text);
  if (known !== undefined) return known;
  const ending = { text, flags: flagsIn(text) };
  if (endings.size < ENDINGS_KEPT) endings.set(text, ending);
  return ending;
}

/** The ending that has these flags, and the letters of `old` that are none. */
export function endingWith(flags: number, old: Ending): Ending {
  let letters = '';
  for (const [letter, bit] of LETTERS) if ((flags & bit) !== 0) letters += letter;
  if (/^:2,[DFPRST]*$/.test(old.text)) return endingOf(`:2,${letters}`);
  const others = old.text.startsWith(':2,')
    ? old.text.slice(3).replace(/[^A-Za-z]|[DFPRST]/g, '')
    : '';
  return endingOf(`:2,${[...new Set(letters + others)].sort().join('')}`);
}

/** Where the ending begins. */
export function baseLength(name: string): number {
  const colon = name.indexOf(':');
  return colon < 0 ? name.length : colon;
}

function flagsIn(text: string): number {
  if (!text.startsWith(':2,')) return 0;
  let flags = 0;
  for (const [letter, bit] of LETTERS) if (text.includes(letter, 3)) flags |= bit;
  return flags;
}

const LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ['D', FLAG.draft],
  ['F', FLAG.flagged],
  ['P', FLAG.passed],
  ['R', FLAG.answered],
  ['S', FLAG.seen],
  ['T', FLAG.deleted],
];

/** One that courierimapuiddb can hold, a line each, and that has room for flags. */
export function isGoodBase(base: string): boolean {
  return base !== '' && base.length <= BASE_MAX && !base.includes('\n');
}

/** What new messages are ordered by: the number in front, and then the bytes. */
export function numberBefore(base: string): number {
  let number = 0;
  for (let at = 0; at < base.length && at < 15; at++) {
    const digit = base.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  return number;
}

/** What ",S=" claims, in bytes. At most 15 digits: what is longer is no size. */
export function sizeIn(base: string): number | undefined {
  const at = base.indexOf(',S=');
  if (at < 0) return undefined;
  const digits = /^[0-9]{1,15}(?=,|$)/.exec(base.slice(at + 3))?.[0];
  return digits === undefined ? undefined : Number(digits);
}

const made = { count: 0 };
const started = { wall: Date.now(), counter: performance.now() };

/** The parts of a name that are there before the file is. */
export interface FreshName {
  /** For tmp/. */
  readonly tmp: string;
  /** For cur/, once the file is known. */
  base(file: {
    readonly dev: bigint;
    readonly ino: bigint;
    readonly size: number | bigint;
  }): string;
}

/** A name that no other message has: by microsecond, process and a counter that never starts again in it. */
export function freshName(): FreshName {
  const micros = Math.floor((started.wall + performance.now() - started.counter) * 1000);
  const seconds = Math.floor(micros / 1_000_000);
  const begin = `${seconds}.M${micros % 1_000_000}P${process.pid}`;
  const end = `_${made.count++}.${host()}`;
  return {
    tmp: begin + end,
    base: ({ dev, ino, size }) => `${begin}V${hex(dev)}I${hex(ino)}${end},S=${size}`,
  };
}

const hex = (number: bigint) => number.toString(16).toUpperCase().padStart(16, '0');

let hostPart: string | undefined;

/** The longest host name, HOST_NAME_MAX, leaves room for ten digits of size below NAME_MAX. */
function host(): string {
  hostPart ??= hostname().slice(0, 64).replaceAll('/', '\\057').replaceAll(':', '\\072');
  return hostPart;
}
