// New messages get their UIDs, under the lock:
//
//   1 courierimapuiddb is read again if it was changed, and then cur: other processes may have given UIDs meanwhile,
//     and none of theirs may come up after ours
//   2 what is in new is renamed to cur             crash: messages without UIDs, which get them next time
//   3 courierimapuiddb gets their lines, fsync     crash: they have their UIDs
//   4 only now they are known in memory, and can be told to a client

import { renameSync } from 'node:fs';
import { errnoOf, errnoText, faultOf, isTemporaryErrno } from '@q/fault';
import { FolderFault, folderIsGone } from './fault.ts';
import { pathOf } from './files.ts';
import type { Inside } from './inside.ts';
import { UID_MAX } from './limits.ts';
import { baseLength, type Ending, endingOf, freshName, isGoodBase, numberBefore } from './name.ts';
import { rescan, type UnknownFiles } from './rescan.ts';
import { Stored } from './table.ts';
import { Turns } from './turn.ts';
import { appendUids, type Numbered, readUids, stampOfUids, writeUids } from './uiddb.ts';

/**
 * Gives UIDs to files in cur that have none, `unknown`, and with `takeNew` to those in new. The lock is held. Throws faults.
 */
export async function numberMessages(
  folder: Inside,
  unknown: UnknownFiles,
  takeNew: boolean,
): Promise<void> {
  const { fresh, known } = await catchUp(folder, unknown);
  if (takeNew && !folder.readOnly) await moveNew(folder, fresh);
  const numbered = await inOrder(fresh, folder.uidNext);
  await record(folder, [...known, ...numbered], numbered);
  for (const { uid } of numbered) folder.recent.push(uid);
}

/** The files as messages with UIDs from `first` on, in the order of their names. */
export async function inOrder(files: UnknownFiles, first: number): Promise<Stored[]> {
  const turns = new Turns();
  const sorted: { readonly number: number; readonly base: string; readonly ending: Ending }[] = [];
  for (const [base, ending] of files) {
    sorted.push({ number: numberBefore(base), base, ending });
    if (turns.over) await turns.pause();
  }
  sorted.sort((a, b) => a.number - b.number || (a.base < b.base ? -1 : 1));
  return sorted.map(({ base, ending }, number) => new Stored(first + number, base, ending));
}

/**
 * Reads what others wrote. Gives the messages they numbered, and the files nobody did. A UID is believed only if nobody was
 * told that it is free: those of files that come late are new ones.
 */
async function catchUp(folder: Inside, unknown: UnknownFiles) {
  const known: Stored[] = [];
  if (folder.uidStamp !== undefined && folder.uidStamp === stampOfUids(folder.dir))
    return { fresh: unknown, known };
  const list = await readUids(folder.dir, (text) => folder.log(text));
  if (list === undefined) {
    folder.uidStamp = undefined;
    return { fresh: unknown, known };
  }
  if (list.validity !== folder.validity) {
    folder.gone = true;
    throw folderIsGone();
  }
  const told = folder.uidNext;
  folder.uidNext = Math.max(told, list.next);
  const fresh = await rescan(folder);
  folder.uidStamp = list.broken ? undefined : list.stamp;
  folder.deadLines.clear();
  const renumbered: Stored[] = [];
  for (const [base, uid] of list.uids) {
    const message = folder.table.withBase(base);
    const ending = fresh.get(base) ?? message?.ending;
    if (message?.uid === uid) continue;
    if (ending === undefined || uid < told) folder.deadLines.add(base);
    else {
      // Another program did not see the file for a moment, and took it for a new one later.
      if (message !== undefined) renumbered.push(message);
      fresh.delete(base);
      known.push(new Stored(uid, base, ending));
    }
  }
  folder.note([], renumbered);
  for (const { base } of renumbered) folder.deadLines.delete(base);
  return { fresh, known };
}

/** Renames what is in new to cur, and adds it to `into`. Those that are gone meanwhile another process took. */
async function moveNew(folder: Inside, into: UnknownFiles): Promise<void> {
  const turns = new Turns();
  await folder.changingCur(async () => {
    for (const name of folder.waiting) {
      let base = name.slice(0, baseLength(name));
      const rest = name.slice(base.length);
      const ending = endingOf(rest === '' ? ':2,' : rest.replaceAll('\n', ''));
      // A name that is taken would overwrite a message.
      if (!isGoodBase(base) || into.has(base) || folder.table.withBase(base) !== undefined)
        base = freshName().tmp;
      try {
        renameSync(pathOf(folder.newPath, name), pathOf(folder.curPath, base + ending.text));
        into.set(base, ending);
      } catch (error) {
        const code = errnoOf(error) ?? '';
        if (isTemporaryErrno(code)) throw faultOf(error, 'unable to take new mail');
        // One that cannot be taken must not keep the others from their reader.
        if (code !== 'ENOENT') folder.log(`a file in new cannot be taken: ${errnoText(error)}`);
      }
      if (turns.over) await turns.pause();
    }
  });
  folder.waiting = [];
}

/** Writes UIDs down, then makes the messages known. `added` are the ones that the file does not have yet. */
async function record(
  folder: Inside,
  messages: readonly Stored[],
  added: readonly Stored[],
): Promise<void> {
  if (added.length > 0 || folder.uidStamp === undefined) {
    const settle = await writeDown(folder, added, messages);
    await settle();
  }
  folder.table.add(messages);
  folder.note(messages, []);
}

/**
 * Adds lines for `added`, whose UIDs begin with uidNext, or writes all anew: those in memory and `beside`. The UIDs are
 * spent from now on. What is given makes it durable. Throws faults.
 */
export async function writeDown(
  folder: Inside,
  added: readonly Numbered[],
  beside: readonly Numbered[] = added,
): Promise<() => Promise<void>> {
  const next = folder.uidNext + added.length;
  if (next > UID_MAX) throw new FolderFault('LIMIT', 'no more messages can be numbered');
  if (folder.readOnly) {
    folder.uidNext = next;
    return async () => {};
  }
  try {
    const appended = mayAppend(folder, added)
      ? appendUids(folder.dir, stateOf(folder), added)
      : undefined;
    if (appended === undefined) return await writeAnew(folder, beside, next);
    folder.uidNext = next;
    folder.uidStamp = undefined;
    return async () => {
      folder.uidStamp = await appended.settle();
    };
  } catch (error) {
    folder.uidStamp = undefined;
    throw faultOf(error, 'unable to write courierimapuiddb');
  }
}

function mayAppend(folder: Inside, added: readonly Numbered[]): boolean {
  const { deadLines } = folder;
  if (folder.uidStamp === undefined || deadLines.size > 200 + folder.table.list.length / 4)
    return false;
  return deadLines.size === 0 || !added.some(({ base }) => deadLines.has(base));
}

function stateOf(folder: Inside) {
  return { validity: folder.validity, next: folder.uidNext, stamp: folder.uidStamp ?? '' };
}

async function writeAnew(
  folder: Inside,
  beside: readonly Numbered[],
  next: number,
): Promise<() => Promise<void>> {
  const { validity, stamp } = await writeUids(
    folder.dir,
    {
      validity: folder.validity === 0 ? undefined : folder.validity,
      above: folder.spentValidity,
      next,
    },
    [...folder.table.list, ...beside],
    folder.fileMode,
  );
  folder.validity = validity;
  folder.uidNext = next;
  folder.uidStamp = stamp;
  folder.deadLines.clear();
  return async () => {};
}
