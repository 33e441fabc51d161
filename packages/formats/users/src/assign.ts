// users/assign, the text from which qmail-newu makes users/cdb. qmail-users(5).
//
//   assign     = *( simple / wildcard ) "." anything       ; a line beginning with "." ends it
//   simple     = "=" local ":" fields ":" rest LF
//   wildcard   = "+" prefix ":" fields ":" rest LF         ; ext is followed by what the prefix left
//   fields     = user ":" uid ":" gid ":" home ":" dash ":" ext
//
// Example:  =joe:joe:1001:1001:/home/joe:::
//           +joe-:joe:1001:1001:/home/joe:-::
//           .
//
// users/cdb: key "!" local NUL for a simple one, "!" prefix for a wildcard, both in lower case; data the
// six fields separated by NUL. Under the empty key stand the last characters of all prefixes, so that a
// look-up tries only prefixes that end in one of them.

import { asciiLower, bytesOf, textOf } from '@q/bytes';
import { Permanent } from '@q/fault';

const FIELDS = 6;

/**
 * The records of users/cdb for the text of users/assign; of equal keys the first counts. Throws Permanent
 * (exit 111, as qmail-newu) on anything malformed, naming the line.
 */
export function compileAssign(text: Buffer | string): [key: Buffer, data: Buffer][] {
  const lines = (typeof text === 'string' ? text : textOf(text)).split('\n');
  const end = lines.findIndex((line) => line.startsWith('.'));
  if (end < 0) throw badFormat('it does not end with a line holding a dot');
  const terminators = new Set<string>();
  const entries = lines
    .slice(0, end)
    .map((line, index) => compileLine(line, index + 1, terminators));
  entries.push([Buffer.alloc(0), bytesOf([...terminators].join(''))]);
  return entries;
}

function compileLine(line: string, number: number, terminators: Set<string>): [Buffer, Buffer] {
  const bad = (why: string) => badFormat(`line ${number} ${why}`);
  if (line.includes('\0')) throw bad('contains a NUL');
  const parts = line.split(':');
  if (parts.length <= FIELDS + 1) throw bad('has too few fields');
  const subject = parts[0] as string;
  if (!subject.startsWith('=') && !subject.startsWith('+'))
    throw bad('begins with neither = nor +');
  const name = asciiLower(subject.slice(1));
  const wildcard = subject.startsWith('+');
  if (wildcard && name !== '') terminators.add(name.at(-1) as string);
  const data = parts.slice(1, FIELDS + 1).join('\0');
  return [bytesOf(wildcard ? `!${name}` : `!${name}\0`), bytesOf(data)];
}

function badFormat(why: string): Permanent {
  return new Permanent(`bad format in users/assign: ${why}`, { exitCode: 111 });
}
