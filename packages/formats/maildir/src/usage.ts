// How full a Maildir++ is, without looking at each message: maildirsize, and the rules of when it is counted anew.
//
//   added      the delivery links the message, then appends its size     crash between: too little is known
//   removed    whoever deletes unlinks the message, then appends         crash between: too much is known
//   counted    missing, broken, for another quota; SIZE_FILE_MAX bytes long; or the quota seems exceeded and the
//              last count is 15 minutes old or something was appended since
//
// So errors of either kind end by themselves, nobody is refused for one, and a mailbox that stays full is not counted
// for each message that is refused. Trash, and messages marked T in any folder, do not count.

import { readdirSync, statSync } from 'node:fs';
import { errnoOf, faultOf } from '@q/fault';
import type { Path } from '@q/fsx';
import { statEntrySync } from './entry.ts';
import { RECOUNT_SECONDS } from './limits.ts';
import { inside } from './paths.ts';
import { fits, formatQuota, isLimited, type Quota, sumOf, type Usage } from './quota.ts';
import { type Entry, scanMaildir } from './scan.ts';
import {
  appendTotal,
  distrustSizeFile,
  readSizeFile,
  replaceSizeFile,
  type SizeFile,
} from './size-file.ts';

/**
 * What `maildir` holds and may hold, to decide whether `adding` fits. `quota` is what it may hold; if not given, what
 * its maildirsize says. Undefined when there is no limit. Throws a fault if it must be counted and cannot be.
 */
export async function quotaUsage(
  maildir: Path,
  quota: Quota | undefined,
  adding: Usage,
  now = Date.now() / 1000,
): Promise<{ readonly quota: Quota; readonly usage: Usage } | undefined> {
  const file = readSizeFile(maildir);
  const limit = quota ?? file?.quota;
  if (limit === undefined || !isLimited(limit)) return undefined;
  const known = file && knownUsage(file, limit, adding, now);
  if (known !== undefined) return { quota: limit, usage: known };
  // Where the file cannot be written each delivery counts: slow, but right.
  return { quota: limit, usage: (await countInto(maildir, limit)).usage };
}

/** Gives `maildir` a quota, with what is in it now as the first total. Throws a fault. */
export async function setQuota(maildir: Path, quota: Quota): Promise<void> {
  const { trouble } = await countInto(maildir, quota);
  if (trouble !== undefined) throw faultOf(trouble, 'unable to write maildirsize');
}

/** Tells maildirsize of a message of so many bytes that was put into `maildir` or a folder of it. Never throws. */
export function recordAdded(maildir: Path, bytes: number): void {
  appendTotal(maildir, { bytes, messages: 1 });
}

/**
 * Tells maildirsize of everything that came (positive) and went (negative) by one command; messages marked T, and those in
 * Trash, are not to be counted. After it is done on disk. Never throws.
 */
export function recordUsage(maildir: Path, change: Usage): void {
  appendTotal(maildir, change);
}

/** A message that was removed: what its name said, and its bytes on disk. */
export type Removed = Pick<Entry, 'flags' | 'size'> & { readonly bytes: number };

/**
 * Tells maildirsize of messages that were removed from `maildir` or a folder of it other than Trash: to be called
 * after the unlinks, once for all of them. Never throws.
 */
export function recordRemoved(maildir: Path, removed: Iterable<Removed>): void {
  let bytes = 0;
  let messages = 0;
  for (const message of removed) {
    if (message.flags.includes('T')) continue;
    bytes -= message.size ?? message.bytes;
    messages--;
  }
  if (messages < 0) appendTotal(maildir, { bytes, messages });
}

/** The usage that the file knows, unless a rule says that it is to be counted. */
function knownUsage(file: SizeFile, limit: Quota, adding: Usage, now: number): Usage | undefined {
  const { usage, totals, modified } = file;
  const isOurs = file.quota !== undefined && formatQuota(file.quota) === formatQuota(limit);
  if (usage === undefined || !isOurs) return undefined;
  if (fits(limit, sumOf(usage, adding))) return usage;
  const age = now - modified;
  return totals === 1 && age >= 0 && age < RECOUNT_SECONDS ? usage : undefined;
}

/** Counts into a new maildirsize. It is not to be believed if messages came or went meanwhile. */
async function countInto(
  maildir: Path,
  quota: Quota,
): Promise<{ readonly usage: Usage; readonly trouble: unknown }> {
  const folders = countedFolders(maildir);
  const before = folders.map(timesOf).join();
  const usage = await count(folders);
  try {
    replaceSizeFile(maildir, quota, usage);
  } catch (trouble) {
    return { usage, trouble };
  }
  if (countedFolders(maildir).map(timesOf).join() !== before) distrustSizeFile(maildir);
  return { usage, trouble: undefined };
}

async function count(folders: readonly Buffer[]): Promise<Usage> {
  let usage: Usage = { bytes: 0, messages: 0 };
  for (const folder of folders) {
    for (const entry of await scanMaildir(folder)) {
      if (entry.flags.includes('T')) continue;
      const bytes = entry.size ?? sizeOnDisk(folder, entry);
      if (bytes !== undefined) usage = sumOf(usage, { bytes, messages: 1 });
    }
  }
  return usage;
}

/** Asked for at once, without another thread for each of perhaps 100,000 messages. */
function sizeOnDisk(folder: Buffer, entry: Entry): number | undefined {
  return statEntrySync(folder, entry)?.size;
}

function countedFolders(maildir: Path): Buffer[] {
  const folders = [inside(maildir)];
  const found = readdirSync(inside(maildir), { withFileTypes: true, encoding: 'latin1' as never });
  for (const entry of found) {
    const { name } = entry;
    if (!name.startsWith('.') || name === '.Trash' || !entry.isDirectory()) continue;
    const folder = inside(maildir, name);
    if (isThere(inside(folder, 'new')) && isThere(inside(folder, 'cur'))) folders.push(folder);
  }
  return folders;
}

function isThere(path: Buffer): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

/** When messages last came into or left a folder. */
function timesOf(folder: Buffer): string {
  const times = ['new', 'cur'].map(
    (name) => statSync(inside(folder, name), { bigint: true, throwIfNoEntry: false })?.mtimeNs,
  );
  return `${folder.toString('latin1')} ${times.join(' ')}`;
}
