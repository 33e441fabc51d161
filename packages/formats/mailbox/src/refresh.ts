// Brings the folder up to date with the disk.

import { statSync } from 'node:fs';
import { folderIsGone } from './fault.ts';
import { identityOf, isSame } from './identity.ts';
import type { Inside } from './inside.ts';
import { foldKeywords, refreshKeywords } from './keyword-sync.ts';
import { numberMessages } from './numbering.ts';
import { rescan, type UnknownFiles } from './rescan.ts';
import { scanDirectory } from './scan.ts';
import { stampOfUids } from './uiddb.ts';

/** To be run alone. Throws faults. */
export async function refresh(folder: Inside, takeNew: boolean): Promise<void> {
  await lookIntoNew(folder);
  const unknown = await lookIntoCur(folder);
  const mayTake = takeNew && folder.waiting.length > 0 && !folder.readOnly;
  if (unknown.size > 0 || mayTake || othersNumbered(folder)) await number(folder, unknown, mayTake);
  await refreshKeywords(folder);
  await foldKeywords(folder);
}

/** Another process gave UIDs: perhaps to messages that are gone again, but they are spent, and UIDNEXT is another. */
function othersNumbered(folder: Inside): boolean {
  const { uidStamp } = folder;
  return uidStamp !== undefined && !folder.readOnly && stampOfUids(folder.dir) !== uidStamp;
}

/** Messages of which a change or a file was asked for that is not where it was: looks for all of them. Throws faults. */
export async function lookAgain(folder: Inside): Promise<void> {
  const unknown = await rescan(folder);
  if (unknown.size > 0) await number(folder, unknown, false);
}

async function number(folder: Inside, unknown: UnknownFiles, takeNew: boolean): Promise<void> {
  const lock = await folder.lock();
  try {
    await numberMessages(folder, unknown, takeNew);
  } finally {
    lock.release();
  }
}

async function lookIntoCur(folder: Inside): Promise<UnknownFiles> {
  if (!folder.cur.mustBeRead(folder.cur.look(folder.curPath))) return new Map();
  checkIdentity(folder);
  return await rescan(folder);
}

/** Another folder with the same name has other messages, with other UIDs. It differs in its directories' times at least. */
function checkIdentity(folder: Inside): void {
  const stats = statSync(folder.dir, { throwIfNoEntry: false });
  if (stats !== undefined && isSame(folder.identity, identityOf(stats))) return;
  folder.gone = true;
  throw folderIsGone();
}

async function lookIntoNew(folder: Inside): Promise<void> {
  const before = folder.new.look(folder.newPath);
  if (!folder.new.mustBeRead(before)) return;
  checkIdentity(folder);
  const names: string[] = [];
  await scanDirectory(folder.newPath, (name, isMessage) => {
    if (isMessage()) names.push(name);
  });
  const isOther = names.length !== folder.waiting.length;
  folder.waiting = names;
  folder.new.wasRead(before);
  if (isOther) folder.onChange();
}
