// What is in cur compared with what is in memory.

import { renameSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '@q/fault';
import { pathOf } from './files.ts';
import type { Inside } from './inside.ts';
import { CLOCK_TICK_MS, SCAN_TRIES } from './limits.ts';
import { baseLength, type Ending, endingOf, freshName, isGoodBase } from './name.ts';
import { isThere, scanDirectory } from './scan.ts';
import type { Stored } from './table.ts';
import { Turns } from './turn.ts';

/** Files in cur that belong to no message in memory, by their bases. */
export type UnknownFiles = Map<string, Ending>;

interface Seen {
  readonly unknown: UnknownFiles;
  readonly renamed: Map<Stored, Ending>;
  /** Names whose base was seen before. */
  readonly again: string[];
  readonly missing: boolean;
}

/**
 * Reads cur; messages whose files have other flags now, or are gone, are noted. Gives those nobody knows yet. Throws faults.
 */
export async function rescan(folder: Inside): Promise<UnknownFiles> {
  for (let left = SCAN_TRIES; ; left--) {
    const before = folder.cur.look(folder.curPath);
    const seen = await scanCur(folder);
    // A file that was renamed during the scan may not have been seen at all, under neither name.
    const isSure = before.isOld && folder.cur.look(folder.curPath).stamp === before.stamp;
    if (seen.missing && !isSure && left > 1) {
      if (before.youngFor > 0 && before.youngFor <= CLOCK_TICK_MS) await sleep(before.youngFor);
      continue;
    }
    await settleNames(folder, seen);
    folder.cur.wasRead(before);
    // Not sure to the last: what is missing is believed to be there, and looked for again next time.
    if (seen.missing && !isSure) folder.cur.forget();
    const gone = isSure ? folder.table.list.filter(({ scan }) => scan !== folder.scan) : [];
    noteScan(folder, seen.renamed, gone);
    return seen.unknown;
  }
}

async function scanCur(folder: Inside): Promise<Seen> {
  const scan = ++folder.scan;
  const unknown: UnknownFiles = new Map();
  const renamed = new Map<Stored, Ending>();
  const again: string[] = [];
  let found = 0;
  await scanDirectory(folder.curPath, (name, isMessage) => {
    const length = baseLength(name);
    const base = length === name.length ? name : name.slice(0, length);
    const message = folder.table.withBase(base);
    if (message === undefined) {
      if (!isMessage()) return;
      if (unknown.has(base)) again.push(name);
      else unknown.set(base, endingOf(name.slice(length)));
      return;
    }
    if (message.scan === scan) {
      again.push(name);
      return;
    }
    message.scan = scan;
    found++;
    const { text } = message.ending;
    if (name.length !== length + text.length || !name.endsWith(text))
      renamed.set(message, endingOf(name.slice(length)));
  });
  return { unknown, renamed, again, missing: found < folder.table.list.length };
}

/**
 * Two names of one base: a file that was renamed during the scan has one of them now. If both are there, one is another
 * message, and gets a name of its own; so do names that courierimapuiddb cannot hold.
 */
async function settleNames(folder: Inside, { unknown, renamed, again }: Seen): Promise<void> {
  for (const name of again) {
    const base = name.slice(0, baseLength(name));
    const message = folder.table.withBase(base);
    const ending = message ? (renamed.get(message) ?? message.ending) : unknown.get(base);
    if (ending === undefined || !isThere(folder.curPath, name)) continue;
    const first = base + ending.text;
    if (isThere(folder.curPath, first)) {
      const mine = message?.name === name ? first : name;
      if (mine === first && message !== undefined) renamed.delete(message);
      giveFreshName(folder, mine, unknown);
    } else if (message !== undefined) renamed.set(message, endingOf(name.slice(base.length)));
    else unknown.set(base, endingOf(name.slice(base.length)));
  }
  const turns = new Turns();
  for (const [base, ending] of unknown) {
    if (!isGoodBase(base)) {
      unknown.delete(base);
      giveFreshName(folder, base + ending.text, unknown);
    }
    if (turns.over) await turns.pause();
  }
}

function giveFreshName(folder: Inside, name: string, unknown: UnknownFiles): void {
  const base = freshName().tmp;
  const ending = name.slice(baseLength(name));
  const to = endingOf(ending === '' ? ':2,' : ending.replaceAll('\n', ''));
  try {
    renameSync(pathOf(folder.curPath, name), pathOf(folder.curPath, base + to.text));
    folder.log('a file in cur had the name of another, or none that can be kept: it has a new one');
    unknown.set(base, to);
  } catch (error) {
    // Nobody may write here, or it is gone: it is no message until it has a name.
    if (errnoOf(error) !== 'ENOENT') folder.log('a file in cur has a name that cannot be kept');
  }
}

function noteScan(
  folder: Inside,
  renamed: ReadonlyMap<Stored, Ending>,
  gone: readonly Stored[],
): void {
  const changed: Stored[] = [];
  for (const [message, ending] of renamed) {
    const isOther = message.flags !== ending.flags;
    message.ending = ending;
    if (isOther) changed.push(message);
  }
  folder.note(changed, gone);
}
