// A maildir as POP3 sees it: a numbered list that does not change during a session, and marks that
// become real at QUIT only. qmail-pop3d(8), maildir(5).
//
// Nothing is locked. Other sessions, an IMAP server and deliveries work on the same maildir meanwhile:
// a message may be renamed (its flags change, new/ becomes cur/) or go. Its unique name finds it again;
// one that is gone is gone, which is no error for DELE and one for RETR.

import { renameSync, unlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf } from '@q/fault';
import {
  type Entry,
  entryPath,
  openEntrySync,
  parseName,
  type Removed,
  recordRemoved,
  scanMaildir,
} from '@q/maildir';
import { STAT_BATCH } from './limits.ts';
import type { OpenMessage } from './retrieve.ts';
import { listSlots, type Message, type Slot } from './slots.ts';

/** Why there is no mailbox: the directory is not there, or it cannot be read. */
export class MailboxFault extends Error {
  override readonly name = 'MailboxFault';
  readonly kind: 'missing' | 'scan';

  constructor(kind: 'missing' | 'scan', cause?: unknown) {
    super(kind === 'missing' ? 'no such maildir' : 'unable to scan maildir', { cause });
    this.kind = kind;
  }
}

/** Lists the maildir at `dir`, oldest message first. Throws MailboxFault. */
export async function openMailbox(dir: string): Promise<Mailbox> {
  if (!(await isDirectory(dir))) throw new MailboxFault('missing');
  try {
    return new Mailbox(dir, await listSlots(dir));
  } catch (error) {
    throw new MailboxFault('scan', error);
  }
}

/** The list of one session. */
export class Mailbox {
  readonly #dir: string;
  readonly #slots: readonly Slot[];

  constructor(dir: string, slots: readonly Slot[]) {
    this.#dir = dir;
    this.#slots = slots;
  }

  /** How many messages there were at the start; deleted ones keep their number. */
  get count(): number {
    return this.#slots.length;
  }

  /** The message of that number, counted from 1; undefined when there is none. */
  message(number: number): Message | undefined {
    return this.#slots[number - 1];
  }

  /** Total size in bytes of the messages that are not marked. */
  get size(): number {
    return this.#slots.reduce((sum, slot) => (slot.deleted ? sum : sum + slot.size), 0);
  }

  /** Marks a message for removal at commit. */
  mark(number: number): void {
    const slot = this.#slots[number - 1];
    if (slot !== undefined) slot.deleted = true;
  }

  /** How many messages are marked. */
  get marked(): number {
    return this.#slots.reduce((sum, slot) => (slot.deleted ? sum + 1 : sum), 0);
  }

  unmarkAll(): void {
    for (const slot of this.#slots) slot.deleted = false;
  }

  /** The message's file, to be closed by the caller; undefined when it cannot be opened. */
  async open(number: number): Promise<OpenMessage | undefined> {
    const slot = this.#slots[number - 1];
    if (slot === undefined) return undefined;
    return this.#where(slot, () => {
      const opened = openEntrySync(this.#dir, slot);
      if (opened === undefined) throw notThere();
      return opened;
    }).catch(() => undefined);
  }

  /**
   * The UPDATE state: removes what is marked, moves the rest of new/ to cur/, some at a time. False when
   * something marked is still there. A quota's account is told of what we removed.
   */
  async commit(): Promise<boolean> {
    let complete = true;
    const removed: Removed[] = [];
    let work = 0;
    for (const slot of this.#slots) {
      if (!slot.deleted && slot.dir !== 'new') continue;
      if (++work % STAT_BATCH === 0) await nextTurn();
      if (!slot.deleted) {
        this.#moveToCur(slot);
        continue;
      }
      const result = await this.#remove(slot);
      if (result === 'removed') removed.push({ ...parseName(slot.name), bytes: slot.size });
      if (result === 'still there') complete = false;
    }
    recordRemoved(this.#dir, removed);
    return complete;
  }

  async #remove(slot: Slot): Promise<'removed' | 'gone before' | 'still there'> {
    try {
      const removed = await this.#where(slot, () => {
        unlinkSync(entryPath(this.#dir, slot));
        return true;
      });
      return removed === undefined ? 'gone before' : 'removed';
    } catch {
      return 'still there';
    }
  }

  #moveToCur(slot: Slot): void {
    const name = slot.name.includes(':') ? slot.name : `${slot.name}:2,`;
    try {
      renameSync(entryPath(this.#dir, slot), entryPath(this.#dir, { dir: 'cur', name }));
    } catch {
      // It stays in new/, or somebody else moved it: either way it is still mail.
    }
  }

  /**
   * Does something with the message's file; when it is not there, looks where it went. Undefined when it
   * is nowhere. One look finds the new places of all messages, so that a mailbox that was emptied
   * behind our back costs two more scans, not two for each message.
   */
  async #where<T>(slot: Slot, act: () => T): Promise<T | undefined> {
    for (let tries = 1; slot.misses < SURE; tries++) {
      try {
        return act();
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || tries > 2 * SURE) throw error;
      }
      await this.#findAll();
    }
    return undefined;
  }

  async #findAll(): Promise<void> {
    const found = new Map<string, Entry>();
    for (const entry of await scanMaildir(this.#dir)) found.set(entry.unique, entry);
    for (const slot of this.#slots) {
      const entry = slot.twin ? undefined : found.get(slot.unique);
      if (entry === undefined) {
        slot.misses++;
        continue;
      }
      slot.misses = 0;
      slot.dir = entry.dir;
      slot.name = entry.name;
    }
  }
}

// --- internal ---

function notThere(): Error {
  return Object.assign(new Error('renamed or gone'), { code: 'ENOENT' });
}

/** So many scans in a row must miss a message before it is gone: a rename can hide it from one. */
const SURE = 2;

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
