// The line that separates messages in an mbox file: mbox(5).
//
//   from-line = "From " sender SP date LF      sender: no blanks; MAILER-DAEMON for a bounce, XXX if unknown
//   date      = asctime, perhaps with a time zone before the year or after it
//
// Example: From ann@example.org Sun Sep 03 04:46:53 1995

import { asctime, fromLine } from '@q/message';
import { FIRST_LINE_MAX } from './limits.ts';

/** The separator for a message that begins with `start`: its sender is in the Return-Path line, if that is first. */
export function separatorFor(start: Buffer, mtime: number): Buffer {
  const end = start.indexOf(LF);
  const line = start.toString('latin1', 0, Math.min(end, FIRST_LINE_MAX));
  const sender = end < 0 ? undefined : /^Return-Path: <(.*)>$/s.exec(line)?.[1];
  const text = sender === undefined ? `From XXX ${asctime(mtime)}\n` : fromLine(sender, mtime);
  return Buffer.from(text, 'latin1');
}

export interface FromLine {
  /** Latin1; '' for MAILER-DAEMON, undefined for XXX. */
  readonly sender: string | undefined;
  /** Unix time in seconds. A zone that is not a number of hours is taken for GMT. */
  readonly date: number;
}

/** Reads a line, without its LF. Undefined if it is no separator: a text line may begin with "From " too. */
export function parseFromLine(line: string): FromLine | undefined {
  const match = FROM_LINE.exec(line);
  if (match === null) return undefined;
  const [, name = '', month = '', day = '', h = '', m = '', s = '0', zone1, year = '', zone2] =
    match;
  const seconds =
    Date.UTC(Number(year), MONTHS.indexOf(month), Number(day), Number(h), Number(m), Number(s)) /
    1000;
  const sender = name === 'XXX' ? undefined : name === 'MAILER-DAEMON' ? '' : name;
  return { sender, date: seconds - offsetOf(zone1 ?? zone2 ?? '') };
}

function offsetOf(zone: string): number {
  const match = /^([+-])([0-9]{2})([0-9]{2})$/.exec(zone);
  if (match === null) return 0;
  const seconds = (Number(match[2]) * 60 + Number(match[3])) * 60;
  return match[1] === '-' ? -seconds : seconds;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const ZONE = '([A-Z]{1,5}|[+-][0-9]{4})';
const FROM_LINE = new RegExp(
  `^From (.*?) {1,2}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {1,2}(${MONTHS.join('|')}) {1,2}([0-9]{1,2}) ` +
    `([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ${ZONE})? ([0-9]{4})(?: ${ZONE})?[ \\t\\r]*$`,
  's',
);
const LF = 10;
