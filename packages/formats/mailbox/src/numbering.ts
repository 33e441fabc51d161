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
import { baseLength, compareBases, endingOf, freshName, isGoodBase } from './name.ts';
import { rescan, type Unknown } from './rescan.ts';
import { Stored } from './table.ts';
import { Turns } from './turn.ts';
import { appendUids, type Numbered, readUids, stampOfUids, writeUids } from './uiddb.ts';

/**
 * Gives UIDs to files in cur that have none, `unknown`, and with `takeNew` to those in new. The lock is held. Throws faults.
 */
export async function numberMessages(
  folder: Inside,
  unknown: readonly Unknown[],
  takeNew: boolean,
): Promise<void> {
  const { others, listed } = await catchUp(folder, unknown);
  const known: Stored[] = [];
  const fresh: Unknown[] = [];
  for (const file of others) {
    const uid = listed?.get(file.base);
    if (uid === undefined) fresh.push(file);
    else known.push(new Stored(uid, file.base, file.ending));
  }
  if (takeNew && !folder.readOnly) fresh.push(...(await moveNew(folder, fresh)));
  fresh.sort((a, b) => compareBases(a.base, b.base));
  const numbered = fresh.map(
    ({ base, ending }, number) => new Stored(folder.uidNext + number, base, ending),
  );
  await record(folder, [...known, ...numbered], numbered);
  for (const { uid } of numbered) folder.recent.push(uid);
}

/**
 * Reads what others wrote. Gives the files in cur that are unknown now, and the UIDs that may be theirs: only those that
 * nobody was told to be free.
 */
async function catchUp(folder: Inside, unknown: readonly Unknown[]) {
  if (folder.uidStamp !== undefined && folder.uidStamp === stampOfUids(folder.dir))
    return { others: unknown, listed: undefined };
  const list = await readUids(folder.dir, (text) => folder.log(text));
  if (list === undefined) {
    folder.uidStamp = undefined;
    return { others: unknown, listed: undefined };
  }
  if (list.validity !== folder.validity) {
    folder.gone = true;
    throw folderIsGone();
  }
  const told = folder.uidNext;
  folder.uidNext = Math.max(told, list.next);
  const others = await rescan(folder);
  const bases = new Set(others.map(({ base }) => base));
  folder.deadLines.clear();
  const listed = new Map<string, number>();
  for (const [base, uid] of list.uids) {
    if (bases.has(base) && uid >= told) listed.set(base, uid);
    else if (folder.table.withBase(base)?.uid !== uid) folder.deadLines.add(base);
  }
  folder.uidStamp = list.broken ? undefined : list.stamp;
  return { others, listed };
}

/** Renames what is in new to cur. Those that are gone meanwhile another process took. */
async function moveNew(folder: Inside, beside: readonly Unknown[]): Promise<Unknown[]> {
  const taken = new Set(beside.map(({ base }) => base));
  const moved: Unknown[] = [];
  const turns = new Turns();
  await folder.changingCur(async () => {
    for (const name of folder.waiting) {
      let base = name.slice(0, baseLength(name));
      const rest = name.slice(base.length);
      const ending = endingOf(rest === '' ? ':2,' : rest.replaceAll('\n', ''));
      // A name that is taken would overwrite a message.
      if (!isGoodBase(base) || taken.has(base) || folder.table.withBase(base) !== undefined)
        base = freshName().tmp;
      try {
        renameSync(pathOf(folder.newPath, name), pathOf(folder.curPath, base + ending.text));
        taken.add(base);
        moved.push({ base, ending });
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
  return moved;
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
