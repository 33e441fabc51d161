// One line per event, written in one piece, with everything that could forge or hide a line escaped.

import { fstatSync, writeSync } from 'node:fs';

/** Writes one event; a trailing LF is added. Never throws: a full log disk must not stop mail. */
export type Log = (line: string) => void;

/** The longest piece of foreign text that goes into a line, in characters. */
const FOREIGN_MAX = 256;

/**
 * Text of a peer made fit for a log line: C0, DEL, C1 and backslash become \xNN, and it is cut to
 * `max` characters. Takes latin1 text, so that one character is one byte.
 */
export function escapeForLog(text: string, max = FOREIGN_MAX): string {
  const cut = text.length > max ? `${text.slice(0, max)}...` : text;
  return cut.replace(
    /[\x00-\x1f\x7f-\x9f\\]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** The same for text that stands between double quotes in the line: it cannot end them. */
export function quoteForLog(text: string): string {
  return escapeForLog(text).replaceAll('"', '\\x22');
}

/**
 * A log on an open descriptor, each line prefixed by "NAME: ". Under inetd fd 2 is the client's socket:
 * a descriptor that is the same object as fd 0 is never written to.
 */
export function openLog(name: string, fd = 2): Log {
  if (isPeerOf(fd, 0)) return () => {};
  return (line) => put(fd, `${name}: ${line}\n`);
}

/**
 * The same for a process that logs often: the lines of one turn of the event loop leave together, in their order,
 * at its end, and at the latest with the process. Only a signal that kills at once can take them away.
 */
export function openGatheringLog(name: string, fd = 2): Log {
  if (isPeerOf(fd, 0)) return () => {};
  let gathered = '';
  const leave = () => {
    const text = gathered;
    gathered = '';
    if (text !== '') put(fd, text);
  };
  process.on('exit', leave);
  return (line) => {
    const text = `${name}: ${line}\n`;
    if (gathered.length + text.length > PIPE_ATOMIC) leave();
    if (gathered === '') setImmediate(leave);
    gathered += text;
  };
}

/** A pipe takes up to this many bytes in one piece, whoever else writes to it: pipe(7), PIPE_BUF. */
const PIPE_ATOMIC = 4096;

function put(fd: number, text: string): void {
  try {
    writeSync(fd, Buffer.from(text, 'latin1'));
  } catch {
    // Nobody is left to tell.
  }
}

function isPeerOf(fd: number, other: number): boolean {
  if (fd === other) return false;
  try {
    const a = fstatSync(fd);
    const b = fstatSync(other);
    return a.isSocket() && a.ino === b.ino && a.dev === b.dev;
  } catch {
    return false;
  }
}
