// Messages come in from another folder. A copy is another link to the same file; a move is a rename. Under the lock:
//
//   1 their keywords are written                      crash: files of no message, which go after 15 minutes
//   2 the files get their names in cur                crash: they are there; nobody was told, and the next scan numbers them
//   3 courierimapuiddb gets their lines; fsync of it and of the directories
//   4 known in memory, and answered
//
// So a message that is moved is in one of the two folders at any moment. Only to another file system it is copied first and
// then removed: a crash between leaves it in both.

import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
} from 'node:fs';
import { errnoOf, faultOf } from '@q/fault';
import { type FileIdentity, fsyncDir, giveLink, giveName } from '@q/fsx';
import { announce, catchUp, unlinkAll } from './deliver.ts';
import { pathOf, READ_FLAGS } from './files.ts';
import type { Inside } from './inside.ts';
import { writeNewKeywords } from './keyword-sync.ts';
import { SPOOL_GATHER } from './limits.ts';
import type { LeftBehind } from './model.ts';
import { endingOf, endingWith, type FreshName, freshName, sizeIn } from './name.ts';
import { NameFinder } from './name-finder.ts';
import { writeDown } from './numbering.ts';
import { QuotaChange } from './quota-change.ts';
import { SpoolFile } from './spool.ts';
import { Stored } from './table.ts';
import { Turns } from './turn.ts';

export interface Taken {
  readonly from: Stored;
  readonly to: Stored;
}

interface Result {
  readonly taken: readonly Taken[];
  /** A move that could not go on: those behind are where they were. */
  readonly brokeOff: boolean;
}

/** A message, where its file is, and what it will be called. */
interface Plan {
  readonly from: Stored;
  readonly file: FileIdentity;
  /** In the source's cur. */
  name: string;
  readonly base: string;
  readonly bytes: number;
  /** Its file is a link, which would lead elsewhere from here. */
  readonly isLink: boolean;
  readonly time: number;
}

/** Copies all, or none. To be run alone in `folder`. Throws faults. */
export async function copyFrom(folder: Inside, source: Inside, batch: Batch): Promise<Result> {
  return await takeBatch(folder, source, 'copy', batch);
}

/** Moves them, or the first ones. To be run alone in `folder`. Throws faults when it moved none. */
export async function moveFrom(folder: Inside, source: Inside, batch: Batch): Promise<Result> {
  return await takeBatch(folder, source, 'move', batch);
}

type How = 'copy' | 'move';

export interface Batch {
  readonly messages: readonly Stored[];
  readonly progress: (done: number) => void;
  readonly without: LeftBehind;
}

async function takeBatch(folder: Inside, source: Inside, how: How, batch: Batch): Promise<Result> {
  const plans = await plan(source, batch.messages);
  if (plans.length === 0) return { taken: [], brokeOff: false };
  const lock = await folder.lock();
  try {
    await catchUp(folder);
    const lists = plans.map(({ from }) =>
      batch.without.keywords ? [] : folder.fittingKeywords(from.keywords),
    );
    await writeNewKeywords(
      folder,
      plans.map(({ base }, n) => ({ base, keywords: lists[n] ?? [] })),
    );
    const taken: Taken[] = [];
    const brokeOff = await folder.changingCur(() =>
      placeAll(folder, source, { how, batch }, { plans, taken }),
    );
    const listOf = new Map(plans.map(({ from }, n) => [from, lists[n] ?? []]));
    for (const { from, to } of taken) to.keywords = listOf.get(from) ?? [];
    countTaken(folder, source, how, taken, plans);
    announce(
      folder,
      taken.map(({ to }) => to),
    );
    return { taken, brokeOff };
  } finally {
    lock.release();
  }
}

/** Looks at each file once. Those that are gone are left out. */
async function plan(source: Inside, messages: readonly Stored[]): Promise<Plan[]> {
  const names = new NameFinder(source, messages);
  const plans: Plan[] = [];
  const turns = new Turns();
  for (const from of messages) {
    if (from.gone) continue;
    const look = (path: string | Buffer) => lstatSync(path, { bigint: true });
    const found = await names.act(from.base, from.name, look);
    if (found !== undefined) plans.push(planOf(from, found.name, found.result));
    if (turns.over) await turns.pause();
  }
  return plans;
}

function planOf(from: Stored, name: string, stats: BigIntStats): Plan {
  const fresh: FreshName = freshName();
  const isLink = stats.isSymbolicLink();
  const bytes = sizeIn(from.base) ?? Number(stats.size);
  const base = fresh.base({ dev: stats.dev, ino: stats.ino, size: bytes });
  return { from, file: stats, name, base, bytes, isLink, time: Number(stats.mtimeMs) };
}

/** Steps 2 and 3. What fails ends a move with what is moved by then; of a copy nothing is left. */
async function placeAll(
  folder: Inside,
  source: Inside,
  { how, batch }: { readonly how: How; readonly batch: Batch },
  { plans, taken }: { readonly plans: readonly Plan[]; readonly taken: Taken[] },
): Promise<boolean> {
  const names = new NameFinder(
    source,
    plans.map(({ from }) => from),
  );
  const turns = new Turns();
  let trouble: unknown;
  try {
    for (const each of plans) {
      const uid = folder.uidNext + taken.length;
      const flags = each.from.flags & ~batch.without.flags;
      const to = new Stored(uid, each.base, endingWith(flags, endingOf(':2,')));
      if (await placeOne(folder, names, each, { to, how })) taken.push({ from: each.from, to });
      if (taken.length % 256 === 0) batch.progress(taken.length);
      if (turns.over) await turns.pause();
    }
  } catch (error) {
    trouble = error;
  }
  try {
    if (trouble !== undefined && (how === 'copy' || taken.length === 0)) throw trouble;
    const settle = await writeDown(
      folder,
      taken.map(({ to }) => to),
    );
    await Promise.all([settle(), fsyncDir(folder.curPath)]);
    if (how === 'move') await fsyncDir(source.curPath);
    return trouble !== undefined;
  } catch (error) {
    undo(folder, source, how, taken);
    throw faultOf(error, `unable to ${how} messages`);
  }
}

/** False: it is gone. Throws system errors. */
async function placeOne(
  folder: Inside,
  names: NameFinder,
  { from, file, name, isLink, time }: Plan,
  { to, how }: { readonly to: Stored; readonly how: How },
): Promise<boolean> {
  const target = pathOf(folder.curPath, to.name);
  if (!isLink) {
    try {
      const put = (path: string | Buffer) =>
        how === 'copy' ? giveLink(path, target) : giveName(path, target, file);
      return (await names.act(from.base, name, put)) !== undefined;
    } catch (error) {
      // Another file system, as many links as there may be, or a file system without.
      if (!['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? ''))
        throw error;
    }
  }
  const opened = await names.act(from.base, name, (path) =>
    openSync(path, isLink ? READ_FLAGS & ~constants.O_NOFOLLOW : READ_FLAGS),
  );
  if (opened === undefined) return false;
  await copyBytes(folder, opened.result, time, target);
  if (how === 'move') await removeSource(names, from.base, opened.name, target);
  return true;
}

/** After its bytes were copied. Throws a system error; then it is where it was, and only there. */
async function removeSource(
  names: NameFinder,
  base: string,
  name: string,
  target: string | Buffer,
): Promise<void> {
  try {
    await names.act(base, name, (path) => {
      try {
        unlinkSync(path);
      } catch (error) {
        // Done although it reports an error; ENOENT is asked again: another program may have renamed it.
        const isThere = () => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
        if (errnoOf(error) === 'ENOENT' || isThere()) throw error;
      }
    });
  } catch (error) {
    unlinkSync(target);
    throw error;
  }
}

async function copyBytes(
  folder: Inside,
  fd: number,
  time: number,
  target: string | Buffer,
): Promise<void> {
  const spool = new SpoolFile(folder.dir, folder.fileMode);
  try {
    const piece = Buffer.allocUnsafe(SPOOL_GATHER);
    const turns = new Turns();
    for (;;) {
      const n = readSync(fd, piece, 0, piece.length, null);
      if (n === 0) break;
      await spool.write(piece.subarray(0, n));
      if (turns.over) await turns.pause();
    }
    giveLink((await spool.settle(time)).path, target);
  } finally {
    closeSync(fd);
    spool.discardNow();
  }
}

/** A moved message goes back; where it cannot it stays moved: the next scan numbers it. */
function undo(folder: Inside, source: Inside, how: How, taken: readonly Taken[]): void {
  if (how === 'copy') {
    unlinkAll(
      folder,
      taken.map(({ to }) => to),
    );
    return;
  }
  for (const { from, to } of taken) {
    try {
      giveLink(pathOf(folder.curPath, to.name), pathOf(source.curPath, from.name));
      unlinkSync(pathOf(folder.curPath, to.name));
    } catch {
      // It is here, and not there.
    }
  }
}

function countTaken(
  folder: Inside,
  source: Inside,
  how: How,
  taken: readonly Taken[],
  plans: readonly Plan[],
): void {
  const bytes = new Map(plans.map((each) => [each.from, each.bytes]));
  const here = new QuotaChange(folder);
  const there = new QuotaChange(source);
  for (const { from, to } of taken) {
    here.added(bytes.get(from) ?? 0, to.flags);
    if (how === 'move') there.removed(bytes.get(from) ?? 0, from.flags);
  }
  here.record();
  there.record();
}
