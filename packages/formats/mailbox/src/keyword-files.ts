// courierimapkeywords/: the keywords of a folder's messages.
//
//   :list             names LF *names LF LF *( base ":" number *( SP number ) LF )      ; 0 is the first name
//   BASE              *( name LF )          ; what the message BASE has now, whatever :list says; empty: nothing
//   .PERIOD.BASE      the same, older: of the five minutes PERIOD (time / 300); the largest counts
//   .tmp.TIME...      somebody's that is not finished
//
// Example of :list:
//   $Forwarded
//   Work
//
//   1795335117.M584022P1V0I2_0.vm,S=25:0 1
//
// A change is first a file of the message. Who has the lock folds them into :list, as a new file that takes the old one's
// place, and gives them the name of the next period; only when that is over they go. So a program that read :list before
// and writes it later, without the lock, takes nothing away.

import { lstatSync, readdirSync } from 'node:fs';
import { errnoOf, errnoText } from '@q/fault';
import { pathOf, readWhole, retryStale } from './files.ts';
import { KEYWORD_FILE_MAX, KEYWORD_LIST_MAX, SCAN_TRIES } from './limits.ts';
import { Turns } from './turn.ts';

/** Of the list, in the directory. */
export const LIST = ':list';

export function keywordPath(dir: string): string {
  return `${dir}/courierimapkeywords`;
}

/** The files of one message, newest last. */
export interface KeywordFile {
  readonly name: string;
  /** Infinity for the one without. */
  readonly period: number;
}

export interface KeywordsOnDisk {
  /** By base; those that have none are not here, or have an empty list. */
  readonly keywords: ReadonlyMap<string, readonly string[]>;
  /** Files of single messages, by base. */
  readonly files: ReadonlyMap<string, readonly KeywordFile[]>;
}

/** Never throws: what cannot be read is not there, and `trouble` hears of it. */
export async function readKeywords(
  dir: string,
  trouble: (text: string) => void,
): Promise<KeywordsOnDisk> {
  const path = keywordPath(dir);
  for (let left = SCAN_TRIES; ; left--) {
    const keywords = new Map<string, readonly string[]>();
    try {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
        checkDirectory(path);
      const list = readWhole(`${path}/${LIST}`, KEYWORD_LIST_MAX);
      if (list !== undefined) await parseKeywordList(list.text, keywords);
    } catch (error) {
      trouble(`courierimapkeywords/${LIST}: ${errnoText(error)}`);
    }
    const files = filesIn(path, trouble);
    if ((await readFiles(path, files, keywords, trouble)) || left <= 1) return { keywords, files };
  }
}

export async function parseKeywordList(
  text: string,
  into: Map<string, readonly string[]>,
): Promise<void> {
  const turns = new Turns();
  const border = text.startsWith('\n') ? 0 : text.indexOf('\n\n') + 1;
  const names = text.slice(0, Math.max(border - 1, 0)).split('\n');
  /** Equal numbers are equal lists: there are few. */
  const lists = new Map<string, readonly string[]>();
  for (let at = border + 1; border >= 0 && at < text.length; ) {
    const end = text.indexOf('\n', at);
    if (end < 0) break; // Cut off: the message's keywords may be, too.
    const colon = text.indexOf(':', at);
    if (colon > at && colon < end) {
      const numbers = text.slice(colon + 1, end);
      let list = lists.get(numbers);
      if (list === undefined) {
        list = numbers.split(' ').flatMap((number) => names[indexIn(number)] ?? []);
        if (lists.size < 10_000) lists.set(numbers, list);
      }
      into.set(text.slice(at, colon), list);
    }
    at = end + 1;
    if (turns.over) await turns.pause();
  }
}

function indexIn(number: string): number {
  return /^[0-9]{1,6}$/.test(number) ? Number(number) : -1;
}

function filesIn(path: string, trouble: (text: string) => void): Map<string, KeywordFile[]> {
  const files = new Map<string, KeywordFile[]>();
  let names: string[];
  try {
    checkDirectory(path);
    names = retryStale(() => readdirSync(path, 'latin1'));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') trouble(`courierimapkeywords: ${errnoText(error)}`);
    return files;
  }
  for (const name of names) {
    const [, period = '', base = ''] = /^\.([0-9]{1,15})\.(.+)$/s.exec(name) ?? [];
    const isPlain = !name.startsWith('.') && !name.startsWith(':');
    if (!isPlain && base === '') continue;
    const key = isPlain ? name : base;
    const file = { name, period: isPlain ? Number.POSITIVE_INFINITY : Number(period) };
    const others = files.get(key);
    if (others === undefined) files.set(key, [file]);
    else others.push(file);
  }
  for (const of of files.values()) of.sort((a, b) => a.period - b.period);
  return files;
}

/** False when one was gone: somebody folded meanwhile. */
async function readFiles(
  path: string,
  files: ReadonlyMap<string, readonly KeywordFile[]>,
  into: Map<string, readonly string[]>,
  trouble: (text: string) => void,
): Promise<boolean> {
  const turns = new Turns();
  let whole = true;
  for (const [base, of] of files) {
    const newest = of.at(-1);
    if (newest === undefined) continue;
    try {
      const file = readWhole(pathOf(path, newest.name), KEYWORD_FILE_MAX);
      if (file === undefined) whole = false;
      else
        into.set(
          base,
          file.text.split('\n').filter((name) => name !== ''),
        );
    } catch (error) {
      trouble(`courierimapkeywords: ${errnoText(error)}`);
    }
    if (turns.over) await turns.pause();
  }
  return whole;
}

/**
 * A link would lead our writing to where whoever made it cannot write himself: in a shared folder another user may have.
 * Throws a system error.
 */
export function checkDirectory(path: string): void {
  if (lstatSync(path).isDirectory()) return;
  throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
}
