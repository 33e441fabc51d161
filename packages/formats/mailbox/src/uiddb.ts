// courierimapuiddb: which message has which UID.
//
//   file   = header *line
//   header = "1" SP uidvalidity SP next LF        ; next: the first UID that was never given
//   line   = uid SP base LF                       ; base: the file's name before the first ":"; ascending by uid
//
// Example:
//   1 795335115 3
//   1 1795335117.M584022P1V0I2_0.vm,S=25
//   2 1795335120.M1P1V0I3_0.vm,S=80
//
// Written under tmp/courier.lock: as a new file that takes the old one's place, or, when messages only came, in place:
//
//   1 the header gets the next UID, in as many digits      crash after it: UIDs that nobody has
//   2 the lines are added at the end, in one write         crash within it: a line without LF, which is none
//   3 fsync, and only then the files get their names       crash before: lines of messages that never came
//
// So a UID that may have been told to a client is never given again. Lines that make no sense are passed over, and
// their messages get new UIDs.

import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { errnoOf, errnoText } from '@q/fault';
import { fsyncFd, stampOf, writeFullySync } from '@q/fsx';
import { readWhole, retryStale } from './files.ts';
import { UID_LEAP_MAX, UID_MAX, UIDDB_MAX, UIDVALIDITY_EPOCH } from './limits.ts';
import { baseLength, freshName } from './name.ts';
import { Turns } from './turn.ts';

export const UIDS_FILE = 'courierimapuiddb';

export interface UidHeader {
  readonly validity: number;
  /** The first UID that was never given. */
  readonly next: number;
}

export interface UidList extends UidHeader {
  readonly uids: Map<string, number>;
  /** Tells whether the file is still this one. */
  readonly stamp: string;
  /** It was no whole list: to be written anew. */
  readonly broken: boolean;
}

/** The list; undefined when there is none, or none whose header can be believed: `trouble` says why. Throws nothing. */
export async function readUids(
  dir: string,
  trouble: (text: string) => void,
): Promise<UidList | undefined> {
  try {
    const file = readWhole(`${dir}/${UIDS_FILE}`, UIDDB_MAX);
    if (file === undefined) return undefined;
    const list = await parseUids(file.text);
    if (list === undefined) trouble(`${UIDS_FILE}: no header that can be read`);
    else if (list.broken) trouble(`${UIDS_FILE}: lines that cannot be read`);
    return list && { ...list, stamp: stampOf(file.stats) };
  } catch (error) {
    trouble(`${UIDS_FILE}: ${errnoText(error)}`);
    return undefined;
  }
}

/** Undefined for a text without a header. */
export async function parseUids(text: string): Promise<Omit<UidList, 'stamp'> | undefined> {
  const [header, validity, first] = /^1 ([0-9]{1,10}) ([0-9]{1,10})\n/.exec(text) ?? [];
  if (header === undefined || !isNumber(Number(validity)) || !isNumber(Number(first)))
    return undefined;
  const uids = new Map<string, number>();
  let next = Number(first);
  let last = 0;
  let broken = false;
  let given: Set<number> | undefined;
  const turns = new Turns();
  for (let at = header.length; at < text.length; ) {
    const end = text.indexOf('\n', at);
    if (end < 0) broken = true;
    if (end < 0) break;
    const space = text.indexOf(' ', at);
    const uid = space > at && space < end ? uidIn(text, at, space) : 0;
    const base = cutBase(text, space + 1, end);
    if (uid === 0 || base === '' || uids.has(base) || uid >= Number(first) + UID_LEAP_MAX)
      broken = true;
    else {
      if (uid <= last) given ??= new Set(uids.values());
      if (given?.has(uid)) broken = true;
      else {
        uids.set(base, uid);
        given?.add(uid);
        last = Math.max(last, uid);
        if (uid >= next) next = uid + 1;
      }
    }
    at = end + 1;
    if (turns.over) await turns.pause();
  }
  return { validity: Number(validity), next, uids, broken: broken || next !== Number(first) };
}

function cutBase(text: string, from: number, end: number): string {
  const name = text.slice(from, end);
  const length = baseLength(name);
  return length === name.length ? name : name.slice(0, length);
}

function uidIn(text: string, from: number, end: number): number {
  let uid = 0;
  if (end - from > 10) return 0;
  for (let at = from; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return 0;
    uid = uid * 10 + digit;
  }
  return uid < UID_MAX ? uid : 0;
}

const isNumber = (number: number) => number >= 1 && number <= UID_MAX;

/** The stamp of the file that is there now; undefined when there is none. */
export function stampOfUids(dir: string): string | undefined {
  try {
    const fd = openSync(
      `${dir}/${UIDS_FILE}`,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      return stampOf(fstatSync(fd, { bigint: true }));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // Whoever reads it will hear why.
  }
}

/** A message with its UID, for the list. */
export interface Numbered {
  readonly uid: number;
  readonly base: string;
}

/**
 * Writes the whole list anew; `validity` undefined gives the folder one that it never had, larger than `above`. Gives the header and the new
 * stamp. Throws a system error; the old file is there then.
 */
export async function writeUids(
  dir: string,
  header: { readonly validity: number | undefined; readonly above: number; readonly next: number },
  messages: Iterable<Numbered>,
  mode: number,
): Promise<UidHeader & { readonly stamp: string }> {
  const tmp = `${dir}/tmp/${freshName().tmp}`;
  const fd = openSync(tmp, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    let stats: BigIntStats;
    let validity: number;
    try {
      fchmodSync(fd, mode);
      validity = header.validity ?? Math.max(validityFrom(modifiedSeconds(fd)), header.above + 1);
      await writeLines(fd, `1 ${validity} ${header.next}\n`, messages);
      await fsyncFd(fd);
      stats = fstatSync(fd, { bigint: true });
    } finally {
      closeSync(fd);
    }
    replaceFile(tmp, dir);
    // The rename changed its ctime.
    return { validity, next: header.next, stamp: stampOfUids(dir) ?? stampOf(stats) };
  } catch (error) {
    unlinkQuietly(tmp);
    throw error;
  }
}

function modifiedSeconds(fd: number): number {
  return Math.floor(fstatSync(fd).mtimeMs / 1000);
}

/** Courier's: small enough for 32 bits until the year 2137. */
function validityFrom(seconds: number): number {
  return Math.min(Math.max(seconds - UIDVALIDITY_EPOCH, 1), UID_MAX);
}

async function writeLines(fd: number, header: string, messages: Iterable<Numbered>): Promise<void> {
  const turns = new Turns();
  let gathered = header;
  for (const { uid, base } of messages) {
    gathered += `${uid} ${base}\n`;
    if (gathered.length > 65_536) {
      writeFullySync(fd, Buffer.from(gathered, 'latin1'));
      gathered = '';
      if (turns.over) await turns.pause();
    }
  }
  if (gathered !== '') writeFullySync(fd, Buffer.from(gathered, 'latin1'));
}

/** Lines that were added and are not on disk yet. */
export interface Appended extends UidHeader {
  /** fsyncs, closes, and gives the stamp. To be called once. Throws a system error. */
  settle(): Promise<string>;
}

/**
 * Adds messages in place. Undefined, and nothing done, when the file is not that of `stamp`, or the header would grow:
 * then it is to be written anew. Throws a system error; the file may then have a part of a line at its end.
 */
export function appendUids(
  dir: string,
  known: UidHeader & { readonly stamp: string },
  messages: readonly Numbered[],
): Appended | undefined {
  const next = known.next + messages.length;
  if (String(next).length !== String(known.next).length) return undefined;
  const fd = openForAppending(`${dir}/${UIDS_FILE}`);
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile() || stampOf(stats) !== known.stamp) {
      closeSync(fd);
      return undefined;
    }
    writeAt(fd, Buffer.from(`1 ${known.validity} ${next}\n`), 0);
    const lines = messages.map(({ uid, base }) => `${uid} ${base}\n`).join('');
    writeAt(fd, Buffer.from(lines, 'latin1'), Number(stats.size));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { validity: known.validity, next, settle: () => settle(fd) };
}

async function settle(fd: number): Promise<string> {
  try {
    await fsyncFd(fd);
    return stampOf(fstatSync(fd, { bigint: true }));
  } finally {
    closeSync(fd);
  }
}

/** Undefined where another file has to take its place. */
function openForAppending(path: string): number | undefined {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return retryStale(() => openSync(path, flags));
  } catch (error) {
    const isNone = ['ENOENT', 'ELOOP', 'EACCES', 'EPERM', 'ENXIO', 'EISDIR'].includes(
      errnoOf(error) ?? '',
    );
    if (isNone) return undefined;
    throw error;
  }
}

function writeAt(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; )
    at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}

function replaceFile(tmp: string, dir: string): void {
  try {
    renameSync(tmp, `${dir}/${UIDS_FILE}`);
  } catch (error) {
    // Somebody made a directory of that name: it must not keep the mail from its reader.
    if (!['EISDIR', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error;
    renameSync(`${dir}/${UIDS_FILE}`, `${dir}/${UIDS_FILE}.${freshName().tmp}`);
    renameSync(tmp, `${dir}/${UIDS_FILE}`);
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Garbage in tmp goes in 36 hours.
  }
}
