// Control files: one setting a file, in HOME/control. qmail-control(5).
//
//   line   the first line, trailing blanks cut off            control/me
//   int    decimal digits at the start of that line           control/concurrencyremote
//   list   every line; empty ones and # comments dropped      control/rcpthosts
//   map    a list of key:value, keys without regard to case   control/virtualdomains
//
// A missing file is `undefined`, never an error; it differs from an empty one (rcpthosts!). Everything
// else that can go wrong is Temporary: a setting that cannot be read must not be taken for its default.
// Each call reads the file afresh; whoever needs it often keeps the answer.

import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from '@q/bytes';
import { errnoOf, errnoText, Temporary } from '@q/fault';
import { type ColonMap, parseColonMap } from './colon-map.ts';
import { CONTROL_FILE_MAX } from './limits.ts';

/** The control files of one installation. All text is latin1: a byte is a character. */
export interface Control {
  /** The first line without its trailing blanks; '' for an empty file, undefined for a missing one. */
  line(name: string): string | undefined;
  /** `line(name)`, else control/me, else `literal`. Throws Temporary when there is none of them. */
  lineOrMe(name: string, literal?: string): string;
  /** The number at the start of the first line; `fallback` when the file or the number is missing. */
  int(name: string, fallback: number): number;
  /** The lines that say something; undefined for a missing file, [] for an empty one. */
  list(name: string): string[] | undefined;
  /** The `key:value` lines of a list. */
  map(name: string): ColonMap | undefined;
  /** control/me: the name of this host. */
  me(): string | undefined;
}

/** The root everything lives under: $QMAILHOME, else /var/qmail. */
export function qmailHome(env: Readonly<Record<string, string | undefined>>): string {
  return env.QMAILHOME || '/var/qmail';
}

/** The control files below `home`. Nothing is read yet. */
export function openControl(home: string): Control {
  const read = (name: string) => readControlFile(join(home, 'control', name), name);
  const line = (name: string) => {
    const text = read(name);
    return text === undefined ? undefined : firstLine(text);
  };
  const list = (name: string) => {
    const text = read(name);
    return text === undefined ? undefined : parseList(text);
  };
  return {
    line,
    lineOrMe: (name, literal) => {
      const found = line(name) ?? line('me') ?? literal;
      if (found === undefined)
        throw new Temporary(`unable to read control/${name}: neither it nor control/me exists`);
      return found;
    },
    int: (name, fallback) => parseInteger(line(name)) ?? fallback,
    list,
    map: (name) => {
      const lines = list(name);
      return lines === undefined ? undefined : parseColonMap(lines);
    },
    me: () => line('me'),
  };
}

/** The first line of a control file's text without trailing spaces, tabs and the LF. */
export function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return withoutTrailingBlanks(end < 0 ? text : text.slice(0, end));
}

/** The lines of a list file: no empty lines, none that begins with #. Leading blanks stay. */
export function parseList(text: string): string[] {
  return text
    .split('\n')
    .map(withoutTrailingBlanks)
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** The decimal digits a line begins with, as a number; what follows them is ignored. */
function parseInteger(line: string | undefined): number | undefined {
  const digits = line?.match(/^[0-9]+/)?.[0];
  return digits === undefined ? undefined : Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

function withoutTrailingBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
  return line.slice(0, end);
}

function readControlFile(path: string, name: string): string | undefined {
  try {
    // Most settings are left at their default, and a resident server asks for each connection: to find that out
    // from a stat costs a fifth of what it costs from the exception.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    const fd = openSync(path, 'r');
    try {
      return textOf(readWhole(fd));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new Temporary(`unable to read control/${name}: ${errnoText(error)}`, { cause: error });
  }
}

function readWhole(fd: number): Buffer {
  const size = fstatSync(fd).size;
  if (size > CONTROL_FILE_MAX) throw new Temporary('file is too large');
  const parts: Buffer[] = [];
  let total = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(Math.max(4096, size - total + 1));
    const got = readSync(fd, part, 0, part.length, null);
    if (got === 0) return Buffer.concat(parts, total);
    parts.push(part.subarray(0, got));
    total += got;
    if (total > CONTROL_FILE_MAX) throw new Temporary('file is too large');
  }
}
