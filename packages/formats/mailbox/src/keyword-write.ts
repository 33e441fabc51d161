// Writes courierimapkeywords, which keyword-files.ts describes.

import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { errnoOf } from '@q/fault';
import { fsyncFd, writeFullySync } from '@q/fsx';
import { pathOf } from './files.ts';
import {
  checkDirectory,
  type KeywordFile,
  type KeywordsOnDisk,
  keywordPath,
  LIST,
} from './keyword-files.ts';
import type { KeywordList } from './keyword-names.ts';
import { KEYWORD_PERIOD, KEYWORD_STALE } from './limits.ts';
import { freshName } from './name.ts';
import { Turns } from './turn.ts';

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
    checkDirectory(keywordPath(dir));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeDirectory(dir);
  }
  renameSync(tmp, path);
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

/** Whether there is one that would get another name, or go, once :list has it. */
export function mayRetire({ files }: KeywordsOnDisk, now = Date.now() / 1000): boolean {
  const period = Math.floor(now / KEYWORD_PERIOD);
  const isRipe = (file: KeywordFile) =>
    file.period < period || file.period === Number.POSITIVE_INFINITY;
  return [...files.values()].some((of) => of.some(isRipe));
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
