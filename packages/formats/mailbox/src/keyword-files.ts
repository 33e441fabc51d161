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

import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { errnoOf, errnoText } from '@q/fault';
import { fsyncFd, writeFullySync } from '@q/fsx';
import { pathOf, readWhole, retryStale } from './files.ts';
import type { KeywordList } from './keyword-names.ts';
import {
  KEYWORD_FILE_MAX,
  KEYWORD_LIST_MAX,
  KEYWORD_PERIOD,
  KEYWORD_STALE,
  SCAN_TRIES,
} from './limits.ts';
import { freshName } from './name.ts';
import { Turns } from './turn.ts';

const LIST = ':list';

export function keywordPath(dir: string): string {
  return `${dir}/courierimapkeywords`;
}

/** The files of one message, newest last. */
interface KeywordFile {
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

/** Makes the directory, with the mode of the folder. */
function makeDirectory(dir: string): void {
  try {
    mkdirSync(keywordPath(dir), 0o700);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    throw error;
  }
  chmodSync(keywordPath(dir), statSync(dir).mode & 0o777);
}

/** Writes the file of one message. Throws a system error. */
export async function writeKeywordFile(
  dir: string,
  base: string,
  keywords: KeywordList,
  mode: number,
): Promise<void> {
  const text = keywords.map((name) => `${name}\n`).join('');
  await replaceFile(dir, base, [text], mode);
}

/**
 * Writes :list anew, from `messages`; none: there is no list. Only who has the lock may. Throws a system error.
 */
export async function writeKeywordList(
  dir: string,
  messages: Iterable<{ readonly base: string; readonly keywords: KeywordList }>,
  names: readonly string[],
  mode: number,
): Promise<void> {
  if (names.length === 0) {
    try {
      unlinkSync(`${keywordPath(dir)}/${LIST}`);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    return;
  }
  await replaceFile(dir, LIST, listText(messages, names), mode);
}

function* listText(
  messages: Iterable<{ readonly base: string; readonly keywords: KeywordList }>,
  names: readonly string[],
): Generator<string> {
  yield `${names.join('\n')}\n\n`;
  const numbers = new Map(names.map((name, number) => [name, number]));
  const ends = new Map<KeywordList, string>();
  for (const { base, keywords } of messages) {
    if (keywords.length === 0) continue;
    let end = ends.get(keywords);
    if (end === undefined) {
      end = keywords.map((name) => numbers.get(name)).join(' ');
      ends.set(keywords, end);
    }
    yield `${base}:${end}\n`;
  }
}

async function replaceFile(
  dir: string,
  name: string,
  text: Iterable<string>,
  mode: number,
): Promise<void> {
  const tmp = `${dir}/tmp/${freshName().tmp}`;
  const fd = openSync(tmp, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  const turns = new Turns();
  try {
    try {
      fchmodSync(fd, mode);
      let gathered = '';
      for (const piece of text) {
        gathered += piece;
        if (gathered.length < 65_536) continue;
        writeFullySync(fd, Buffer.from(gathered, 'latin1'));
        gathered = '';
        if (turns.over) await turns.pause();
      }
      writeFullySync(fd, Buffer.from(gathered, 'latin1'));
      // Without it a crash of the host could leave an empty file: no keywords.
      await fsyncFd(fd);
    } finally {
      closeSync(fd);
    }
    intoPlace(dir, tmp, name);
  } catch (error) {
    unlinkQuietly(tmp);
    throw error;
  }
}

function intoPlace(dir: string, tmp: string, name: string): void {
  const path = pathOf(keywordPath(dir), name);
  try {
    renameSync(tmp, path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeDirectory(dir);
    renameSync(tmp, path);
  }
}

/**
 * After :list was written with all that `files` say: they get their next names, or go. `isMessage` tells whether there
 * is a message of that base. Never throws.
 */
export async function retireKeywordFiles(
  dir: string,
  { files }: KeywordsOnDisk,
  isMessage: (base: string) => boolean,
  now = Date.now() / 1000,
): Promise<void> {
  const path = keywordPath(dir);
  const period = Math.floor(now / KEYWORD_PERIOD);
  const turns = new Turns();
  for (const [base, of] of files) {
    for (const file of of) {
      const from = pathOf(path, file.name);
      if (!isMessage(base)) removeIfOld(from, now - KEYWORD_STALE);
      else if (file.period < period) unlinkQuietly(from);
      else if (file.period === Number.POSITIVE_INFINITY) {
        renameQuietly(from, pathOf(path, `.${period + 1}.${base}`));
      }
    }
    if (turns.over) await turns.pause();
  }
}

/** Takes the files of these messages away, which :list says better. Never throws. */
export function removeKeywordFiles(
  dir: string,
  { files }: KeywordsOnDisk,
  bases: Iterable<string>,
): void {
  for (const base of bases)
    for (const { name } of files.get(base) ?? []) unlinkQuietly(pathOf(keywordPath(dir), name));
}

function removeIfOld(path: string | Buffer, before: number): void {
  try {
    if (statSync(path).mtimeMs / 1000 < before) unlinkSync(path);
  } catch {
    // Gone, or not ours.
  }
}

function renameQuietly(from: string | Buffer, to: string | Buffer): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // The longer name may be too long: it is in the list now.
    if (errnoOf(error) === 'ENAMETOOLONG') unlinkQuietly(from);
  }
}

function unlinkQuietly(path: string | Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone, or not ours.
  }
}
