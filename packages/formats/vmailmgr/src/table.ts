// Reads a table of virtual users, passwd.cdb. Nothing is locked: a change renames a new file into place.

import { textOf } from '@q/bytes';
import { type Cdb, openCdb } from '@q/cdb';
import { Temporary } from '@q/fault';
import { keyHashes, tableKey } from './names.ts';
import { decodeRecord, type RecordDefaults, type VirtualUser } from './record.ts';

/** An open table; a missing file is an empty one. To be closed. */
export interface Table {
  /** The user of that name in any ASCII case. Throws Temporary when its record is unreadable. */
  get(name: string): VirtualUser | undefined;
  /** True when there is a record, readable or not. */
  has(name: string): boolean;
  /** All users in the order of the file. Throws Temporary at an unreadable record. */
  users(): Generator<[name: string, user: VirtualUser]>;
  /** The keys and undecoded records, in the order of the file. */
  records(): Generator<[key: Buffer, record: Buffer]>;
  close(): void;
}

/** Opens the table at `path`. `defaults` fill in what records of the oldest form leave open. */
export function openTable(path: string, defaults?: RecordDefaults): Table {
  const cdb = openCdb(path);
  const find = (name: string) => (cdb === undefined ? undefined : lookup(cdb, tableKey(name)));
  const decode = (name: string, record: Buffer) => decodeNamed(name, record, defaults);
  return {
    get: (name) => {
      const record = find(name);
      return record === undefined ? undefined : decode(name, record);
    },
    has: (name) => find(name) !== undefined,
    *users() {
      for (const [key, record] of cdb?.entries() ?? []) {
        const name = textOf(key);
        yield [name, decode(name, record)];
      }
    },
    *records() {
      yield* cdb?.entries() ?? [];
    },
    close: () => cdb?.close(),
  };
}

/** `decodeRecord` with the name in the fault, so that the record can be found and repaired. */
function decodeNamed(name: string, record: Buffer, defaults?: RecordDefaults): VirtualUser {
  try {
    return decodeRecord(record, defaults);
  } catch (error) {
    throw new Temporary(`user ${name}: ${(error as Error).message}`, { cause: error });
  }
}

function lookup(cdb: Cdb, key: Buffer): Buffer | undefined {
  for (const hash of keyHashes(key)) {
    const found = cdb.get(key, 0, hash);
    if (found !== undefined) return found;
  }
  return undefined;
}
