// The messages of a maildir in the order a POP3 client sees them, made from the names of their files wherever the
// names tell enough.

import { lstatSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Entry, entryPath, scanMaildir, statEntrySync } from '@q/maildir';
import { uidOf } from '@q/pop3';
import { courierUids } from './courier-uids.ts';
import { NAME_BATCH, STAT_BATCH } from './limits.ts';

export interface Message {
  /** RFC 1939 unique-id. */
  readonly uid: string;
  /** Bytes of the file, as qmail counts: each line end is one byte there and two on the wire. */
  readonly size: number;
  readonly deleted: boolean;
}

/** One message and where its file was last seen. */
export interface Slot extends Message {
  uid: string;
  readonly unique: string;
  /** Seconds; the order of the list. */
  readonly time: number;
  /** The time is the name's own: whatever has the same unique name has the same time. */
  readonly timed: boolean;
  deleted: boolean;
  dir: 'new' | 'cur';
  name: string;
  /** Scans in a row that did not find it. */
  misses: number;
  /** Other files have the same unique name: it is never looked for under another name. */
  twin: boolean;
}

/** The slots of the maildir at `dir`, oldest first. Throws when it cannot be read. */
export async function listSlots(dir: string): Promise<readonly Slot[]> {
  const slots = await slotsOf(dir);
  const uids = await courierUids(dir);
  if (uids.size > 0) for (const slot of slots) slot.uid = uids.get(slot.unique) ?? slot.uid;
  return distinct(dir, slots);
}

// --- internal ---

/** A file that vanished is an answer, not an error. */
const QUIETLY = { throwIfNoEntry: false } as const;

/** The slots of all files, oldest first; of those of one second and one name any. */
async function slotsOf(dir: string): Promise<Slot[]> {
  const slots: Slot[] = [];
  let work = 0;
  for (const entry of await scanMaildir(dir)) {
    let slot = slotFromName(entry);
    if (slot === undefined) {
      slot = slotFromFile(dir, entry);
      work += NAME_BATCH / STAT_BATCH;
    } else work++;
    if (slot !== undefined) slots.push(slot);
    if (work < NAME_BATCH) continue;
    work = 0;
    await nextTurn();
  }
  return slots.sort((a, b) => a.time - b.time || (a.unique < b.unique ? -1 : 1));
}

/**
 * The slot of a file whose name tells everything, which saves a look at it: the first number is the
 * time of delivery, ",S=" the size.
 */
function slotFromName(entry: Entry): Slot | undefined {
  const time = /^([0-9]{1,12})\./.exec(entry.unique)?.[1];
  if (entry.size === undefined || time === undefined) return undefined;
  return newSlot(entry, entry.size, Number(time), true);
}

/** The slot of any other file; undefined when it is gone again, or no file. */
function slotFromFile(dir: string, entry: Entry): Slot | undefined {
  const stats = statEntrySync(dir, entry);
  if (stats === undefined) return undefined;
  return newSlot(entry, stats.size, stats.mtimeMs / 1000, false);
}

function newSlot(entry: Entry, size: number, time: number, timed: boolean): Slot {
  const { unique, name, dir } = entry;
  const uid = uidOf(unique);
  return { unique, uid, size, time, timed, dir, name, deleted: false, misses: 0, twin: false };
}

/**
 * Files that share a unique name (two with different flags, say) are messages of their own: the second
 * gets a unique-id of its own. Two names of one file count once.
 */
function distinct(dir: string, slots: readonly Slot[]): readonly Slot[] {
  const shared = sharedNames(slots);
  if (shared.size === 0) return slots;
  const seen = new Map<string, Slot>();
  const kept: Slot[] = [];
  for (const slot of slots) {
    const first = seen.get(slot.unique);
    if (first === undefined) {
      if (shared.has(slot.unique)) seen.set(slot.unique, slot);
      kept.push(slot);
      continue;
    }
    const inode = inodeOf(dir, slot);
    const before = inodeOf(dir, first);
    if (inode === undefined || inode === before) continue;
    if (before === undefined) {
      // Renamed during the scan.
      Object.assign(first, { dir: slot.dir, name: slot.name });
      continue;
    }
    first.twin = true;
    kept.push({ ...slot, twin: true, uid: uidOf(`${slot.unique}\0${slot.name}`) });
  }
  return kept;
}

/**
 * Unique names that more than one slot has. Where names tell the time (slotFromName), equal ones are neighbours: a
 * table of all of them would cost as much as the rest of the list.
 */
function sharedNames(slots: readonly Slot[]): ReadonlySet<string> {
  const shared = new Set<string>();
  const others = new Set<string>();
  let before: Slot | undefined;
  for (const slot of slots) {
    if (!slot.timed) {
      if (others.has(slot.unique)) shared.add(slot.unique);
      others.add(slot.unique);
      continue;
    }
    if (before?.time === slot.time && before.unique === slot.unique) shared.add(slot.unique);
    before = slot;
  }
  return shared;
}

function inodeOf(dir: string, slot: Slot): number | undefined {
  return lstatSync(entryPath(dir, slot), QUIETLY)?.ino;
}
