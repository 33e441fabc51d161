// Changes a table of virtual users: any number of changes, one new file.
//
// Steps: lock, which creates TABLE.tmp (lock.ts) -> read -> write TABLE.tmp -> fsync -> rename to TABLE ->
// fsync directory -> unlock. A crash before the rename leaves the old table and a TABLE.tmp that the next
// update removes; after it, the new table. Records that were not changed are copied byte for byte,
// unreadable ones too, and keep their place; new ones go to the end.

import { fchmodSync, fchownSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytesOf, textOf } from '@q/bytes';
import { type CdbEntry, writeCdbTo } from '@q/cdb';
import { faultOf, Permanent } from '@q/fault';
import { type LockOptions, lockTable } from './lock.ts';
import { keyHashes, tableKey } from './names.ts';
import { encodeRecord, type RecordDefaults, type VirtualUser } from './record.ts';
import { openTable, type Table } from './table.ts';

/** A table under change. What is read reflects the changes made so far. */
export interface Draft {
  get(name: string): VirtualUser | undefined;
  has(name: string): boolean;
  /** The names in lower case, those of new users at the end. */
  names(): string[];
  /** Adds the user, or replaces the record of that name. */
  set(name: string, user: VirtualUser): void;
  /** False when there was no such user. */
  delete(name: string): boolean;
}

export interface UpdateOptions extends LockOptions {
  /** Fill in what records of the oldest form leave open. */
  readonly defaults?: RecordDefaults;
}

/**
 * Calls `change` once, under the lock, with the table as it then is, and writes the table if anything was
 * changed. What `change` returns is returned; when it throws, the table stays as it was. Throws Temporary
 * when other programs keep the table locked. The table's directory must exist.
 */
export async function updateTable<T>(
  path: string,
  change: (draft: Draft) => T | Promise<T>,
  options: UpdateOptions = {},
): Promise<T> {
  const what = 'unable to change the password table';
  try {
    refuseRootElsewhere(path);
    const lock = await lockTable(path, options);
    try {
      const table = openTable(path, options.defaults);
      try {
        const draft = new TableDraft(table);
        const result = await change(draft);
        if (draft.changed) {
          await writeCdbTo(lock.fd, draft.records(), keyHashes);
          keepAccess(path, lock.fd);
          await lock.commit();
        }
        return result;
      } finally {
        table.close();
      }
    } finally {
      await lock.release();
    }
  } catch (error) {
    throw faultOf(error, what);
  }
}

// --- internal ---

class TableDraft implements Draft {
  readonly #table: Table;
  /** New records by lower case name; undefined where one was deleted. */
  readonly #changes = new Map<string, VirtualUser | undefined>();

  constructor(table: Table) {
    this.#table = table;
  }

  get changed(): boolean {
    return this.#changes.size > 0;
  }

  get(name: string): VirtualUser | undefined {
    const key = keyText(name);
    return this.#changes.has(key) ? this.#changes.get(key) : this.#table.get(key);
  }

  has(name: string): boolean {
    const key = keyText(name);
    return this.#changes.has(key) ? this.#changes.get(key) !== undefined : this.#table.has(key);
  }

  names(): string[] {
    const names = new Set<string>();
    for (const [key] of this.#table.records()) names.add(textOf(key));
    for (const [key, user] of this.#changes) {
      if (user === undefined) names.delete(key);
      else names.add(key);
    }
    return [...names];
  }

  set(name: string, user: VirtualUser): void {
    encodeRecord(user); // a record that cannot be written is refused here, not after half a file
    this.#changes.set(keyText(name), user);
  }

  delete(name: string): boolean {
    if (!this.has(name)) return false;
    this.#changes.set(keyText(name), undefined);
    return true;
  }

  /** The whole new table. Of several old records with one key only the first was ever found. */
  *records(): Generator<CdbEntry> {
    const placed = new Set<string>();
    for (const [key, record] of this.#table.records()) {
      const name = textOf(key);
      if (!this.#changes.has(name)) {
        yield [key, record];
        continue;
      }
      const user = this.#changes.get(name);
      if (user !== undefined && !placed.has(name)) yield [key, encodeRecord(user)];
      placed.add(name);
    }
    for (const [name, user] of this.#changes)
      if (user !== undefined && !placed.has(name)) yield [bytesOf(name), encodeRecord(user)];
  }
}

/**
 * Hosts let another daemon read the table through its group (mode 0640): that survives a change. A new
 * table is 0600, and nobody but the owner ever gets to write.
 */
function keepAccess(path: string, fd: number): void {
  const old = statSync(path, { throwIfNoEntry: false });
  let mode = 0o600;
  if (old !== undefined && (old.mode & 0o040) !== 0) {
    try {
      fchownSync(fd, -1, old.gid);
      mode = 0o640;
    } catch {
      // The owner has left that group: its members read no more.
    }
  }
  fchmodSync(fd, mode);
}

/** Root would leave files that the base user cannot change, in a directory where that user can lay traps. */
function refuseRootElsewhere(path: string): void {
  if (process.geteuid?.() === 0 && statSync(dirname(path)).uid !== 0)
    throw new Permanent('a password table is changed as the user who owns it, not as root');
}

function keyText(name: string): string {
  return textOf(tableKey(name));
}
