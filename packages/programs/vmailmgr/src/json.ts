// What the tools print with --json: one object a line, in UTF-8.

import { isUtf8 } from 'node:buffer';
import { bytesOf, textOf } from '@q/bytes';
import { UNLIMITED } from '@q/vmailmgr';

/** A line of JSON in the tools' latin1. Text in `value` that is not UTF-8 gets a character for each byte. */
export function jsonLine(value: unknown): string {
  const json = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'string' ? readable(each) : each,
  );
  return `${textOf(Buffer.from(json))}\n`;
}

/** A limit as JSON has it: null for none. */
export function limitOrNull(value: number): number | null {
  return value === UNLIMITED ? null : value;
}

function readable(text: string): string {
  const bytes = bytesOf(text);
  return isUtf8(bytes) ? bytes.toString('utf8') : text;
}
