// What Dovecot knew of a folder, taken over once, when there is no courierimapuiddb: then clients keep what they have.
//
//   dovecot-uidlist, version 3   = "3" *( SP letter value ) LF *( uid *( SP letter value ) SP ":" base LF )
//                    version 1   = "1" SP uidvalidity SP next LF *( uid SP base LF )
//   letters of the header        V uidvalidity, N next UID, G guid; of a line W and S sizes, P a POP3 unique-id, G guid...
//   dovecot-keywords             *( number SP keyword LF )     ; number 0 is the letter "a" in file names
//
// Example:
//   3 V1795335115 N3 G0102030405060708090a0b0c0d0e0f10
//   1 W27 S25 :1795335117.M5P4.vm,S=25,W=27
//
// The keywords go into courierimapkeywords; from then on our files are the truth. The letters stay in the names and mean
// nothing any more.

import { errnoText } from '@q/fault';
import { readWhole } from './files.ts';
import { KEYWORD_LIST_MAX, UID_MAX, UIDDB_MAX } from './limits.ts';
import { baseLength } from './name.ts';
import { Turns } from './turn.ts';
import type { UidHeader } from './uiddb.ts';

export interface DovecotUids extends UidHeader {
  readonly uids: ReadonlyMap<string, number>;
}

/** Undefined when there is no list of Dovecot's that can be read. Never throws. */
export async function readDovecotUids(
  dir: string,
  trouble: (text: string) => void,
): Promise<DovecotUids | undefined> {
  const text = readQuietly(`${dir}/dovecot-uidlist`, UIDDB_MAX, trouble);
  return text === undefined ? undefined : await parseDovecotUids(text);
}

export async function parseDovecotUids(text: string): Promise<DovecotUids | undefined> {
  const end = text.indexOf('\n');
  const header = end < 0 ? undefined : headerIn(text.slice(0, end));
  if (header === undefined) return undefined;
  const uids = new Map<string, number>();
  const turns = new Turns();
  let { next } = header;
  let last = 0;
  for (let at = end + 1; at < text.length; ) {
    const to = text.indexOf('\n', at);
    if (to < 0) break;
    const [, digits = '', name = ''] = LINE[header.version].exec(text.slice(at, to)) ?? [];
    const uid = Number(digits);
    const base = name.slice(0, baseLength(name));
    // Dovecot appends, and a UID of an earlier line is never given again.
    if (uid > last && uid < UID_MAX && base !== '') {
      uids.set(base, uid);
      last = uid;
      if (uid >= next) next = uid + 1;
    }
    at = to + 1;
    if (turns.over) await turns.pause();
  }
  return { validity: header.validity, next, uids };
}

const LINE = {
  1: /^([0-9]{1,10}) (.+)$/,
  3: /^([0-9]{1,10})(?: [^ :][^ ]*)* :(.+)$/,
} as const;

function headerIn(line: string): { version: 1 | 3; validity: number; next: number } | undefined {
  const [, oldValidity, oldNext] = /^1 ([0-9]{1,10}) ([0-9]{1,10})$/.exec(line) ?? [];
  const version = oldValidity === undefined ? 3 : 1;
  if (version === 3 && !/^3( |$)/.test(line)) return undefined;
  const validity = Number(oldValidity ?? / V([0-9]{1,10})(?: |$)/.exec(line)?.[1] ?? 0);
  const next = Number(oldNext ?? / N([0-9]{1,10})(?: |$)/.exec(line)?.[1] ?? 1);
  if (validity < 1 || validity > UID_MAX || next < 1 || next > UID_MAX) return undefined;
  return { version, validity, next };
}

/** The keyword of each letter, "a" first; empty when there are none. Never throws. */
export function readDovecotKeywords(
  dir: string,
  trouble: (text: string) => void,
): readonly (string | undefined)[] {
  const keywords: (string | undefined)[] = [];
  const text = readQuietly(`${dir}/dovecot-keywords`, KEYWORD_LIST_MAX, trouble) ?? '';
  for (const line of text.split('\n', 1000)) {
    const [, number, keyword] = /^([0-9]|1[0-9]|2[0-5]) (.+)$/.exec(line) ?? [];
    if (number !== undefined) keywords[Number(number)] = keyword;
  }
  return keywords;
}

/** Those that the end of a file name (":2,Sab") has. */
export function keywordsOfLetters(
  ending: string,
  keywords: readonly (string | undefined)[],
): readonly string[] {
  if (keywords.length === 0 || !ending.startsWith(':2,')) return [];
  const letters = ending.slice(3).replace(/[^a-z]/g, '');
  return [...letters].flatMap((letter) => keywords[letter.charCodeAt(0) - 97] ?? []);
}

function readQuietly(
  path: string,
  max: number,
  trouble: (text: string) => void,
): string | undefined {
  try {
    return readWhole(path, max)?.text;
  } catch (error) {
    trouble(`${path.slice(path.lastIndexOf('/') + 1)}: ${errnoText(error)}`);
    return undefined;
  }
}
