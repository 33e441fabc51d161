// queue/lock/tcpto: hosts that lately did not answer, shared by all qmail-remotes. qmail-tcpto(8).
//
//   table  = 64 record
//   record = IPv4(4) count(1) unused(3) time(4, little-endian, seconds since 1970) unused(4)
//
// count is the number of timeouts, at most 10; 0 means free. The table is read and changed under flock.
// Example: C0000201 02 000000 E8030000 00000000   192.0.2.1 timed out twice, last at 1000.
//
// It only saves time: trouble with the file is ignored. IPv6 addresses do not fit in and are not kept.

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryFlock } from '@q/fsx';

const RECORD = 16;
const RECORDS = 64;
const TABLE = RECORD * RECORDS;
const COUNT = 4;
const TIME = 8;
const COUNT_MAX = 10;

/** A host is passed over from this many timeouts on. */
const SKIP_FROM = 2;

/** A second timeout within so many seconds of the last tells nothing new: deliveries run side by side. */
const SAME_TROUBLE_SECONDS = 120;

/** One place of the order in which records are given up, against one second of age. */
const COUNT_WEIGHT_SECONDS = 1024;

/** A lock is held for microseconds; whoever does not get it in a second does without the table. */
const LOCK_TRIES = 100;
const LOCK_PAUSE_MS = 10;

export interface Timeouts {
  /** True when this host has timed out so often and so lately that it is not worth a try. */
  skips(address: string): Promise<boolean>;
  /** Notes how a connection attempt ended. */
  note(address: string, timedOut: boolean): Promise<void>;
}

/** The table at `path`. `now` is in seconds; `pid` spreads the time after which hosts are tried again. */
export function openTimeouts(
  path: string,
  now: () => number = () => Math.floor(Date.now() / 1000),
  pid = process.pid,
): Timeouts {
  const patience = (60 + (pid & 31)) * 64;
  return {
    skips: async (address) => {
      const key = keyOf(address);
      if (key === undefined) return false;
      return withTable(path, (table) => {
        const record = recordsOf(table).find((one) => isOf(one, key));
        if (record === undefined || (record[COUNT] as number) < SKIP_FROM) return false;
        return now() - record.readUInt32LE(TIME) < patience;
      });
    },
    note: async (address, timedOut) => {
      const key = keyOf(address);
      if (key === undefined) return;
      await withTable(path, (table, fd) => {
        const changed = noted(recordsOf(table), key, timedOut, now());
        if (changed !== undefined) writeSync(fd, changed.record, 0, RECORD, changed.index * RECORD);
      });
    },
  };
}

/** Forgets everything: a table of zeros, as qmail-rspawn leaves it when it starts. */
export async function clearTimeouts(path: string): Promise<void> {
  await withTable(path, (_, fd) => {
    if (fd >= 0) writeSync(fd, Buffer.alloc(TABLE), 0, TABLE, 0);
  });
}

function noted(
  records: readonly Buffer[],
  key: Buffer,
  timedOut: boolean,
  now: number,
): { readonly index: number; readonly record: Buffer } | undefined {
  const known = records.findIndex((one) => isOf(one, key));
  if (known < 0) return timedOut ? newRecord(records, key, now) : undefined;
  const record = Buffer.from(records[known] as Buffer);
  const count = record[COUNT] as number;
  if (!timedOut) {
    if (count === 0) return undefined;
    record[COUNT] = 0;
    return { index: known, record };
  }
  const last = record.readUInt32LE(TIME);
  if (count > 0 && now >= last && now - last < SAME_TROUBLE_SECONDS) return undefined;
  record[COUNT] = Math.min(count + 1, COUNT_MAX);
  record.writeUInt32LE(now >>> 0, TIME);
  return { index: known, record };
}

/** In a free place, else in that of the record which is oldest for its number of timeouts. */
function newRecord(records: readonly Buffer[], key: Buffer, now: number) {
  const worth = (record: Buffer) =>
    record[COUNT] === 0
      ? -1
      : record.readUInt32LE(TIME) + (record[COUNT] as number) * COUNT_WEIGHT_SECONDS;
  const worths = records.map(worth);
  const index = worths.indexOf(Math.min(...worths));
  if (index < 0) return undefined;
  const record = Buffer.alloc(RECORD);
  key.copy(record);
  record[COUNT] = 1;
  record.writeUInt32LE(now >>> 0, TIME);
  return { index, record };
}

function keyOf(address: string): Buffer | undefined {
  return isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : undefined;
}

function isOf(record: Buffer, key: Buffer): boolean {
  return record.subarray(0, 4).equals(key);
}

function recordsOf(table: Buffer): Buffer[] {
  return Array.from({ length: Math.floor(table.length / RECORD) }, (_, i) =>
    table.subarray(i * RECORD, (i + 1) * RECORD),
  );
}

/**
 * Runs `use` on the locked table; on an empty one when the file cannot be had. All is done in one go,
 * without giving way: 1024 bytes are faster read than a thread is woken, and nobody waits for us long.
 */
async function withTable<T>(path: string, use: (table: Buffer, fd: number) => T): Promise<T> {
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    const outcome = tryTable(path, use);
    if (outcome !== 'busy') return outcome.result;
    await sleep(LOCK_PAUSE_MS);
  }
  return use(Buffer.alloc(0), -1);
}

function tryTable<T>(
  path: string,
  use: (table: Buffer, fd: number) => T,
): 'busy' | { readonly result: T } {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    if (!tryFlock(fd, 'exclusive')) return 'busy';
    const table = Buffer.alloc(TABLE);
    const n = readSync(fd, table, 0, TABLE, 0);
    return { result: use(table.subarray(0, n), fd) };
  } catch {
    return { result: use(Buffer.alloc(0), -1) };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
