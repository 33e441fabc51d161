// The hosts that lately did not answer, which all deliveries to other hosts ask and tell: queue/lock/tcpto,
// described in @q/queue-files. qmail-remote(8), qmail-tcpto(8).
//
// It only saves time: trouble with the file is ignored. IPv6 addresses do not fit in and are not kept.

import { constants, openSync, readSync, writeSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeAnyway, tryFlock } from '@q/fsx';
import { changeTcpto, decodeTcpto, TCPTO_SIZE, type TcptoRecord } from '@q/queue-files';

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
  /** Notes how a connection attempt ended. Never rejects: a connection may be waiting for it. */
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
      if (!isIPv4(address)) return false;
      return withTable(path, (table) => {
        const record = decodeTcpto(table).find((one) => one.address === address);
        if (record === undefined || record.timeouts < SKIP_FROM) return false;
        return now() - record.last < patience;
      });
    },
    note: async (address, timedOut) => {
      if (!isIPv4(address)) return;
      await withTable(path, (table, fd) => {
        const change = noted(decodeTcpto(table), address, timedOut, now());
        if (change === undefined) return;
        const { bytes, position } = changeTcpto(table, change.index, change.record);
        writeSync(fd, bytes, 0, bytes.length, position);
      });
    },
  };
}

/** Forgets everything: a table of zeros, as qmail-rspawn leaves it when it starts. */
export async function clearTimeouts(path: string): Promise<void> {
  await withTable(path, (_, fd) => {
    if (fd >= 0) writeSync(fd, Buffer.alloc(TCPTO_SIZE), 0, TCPTO_SIZE, 0);
  });
}

interface Change {
  readonly index: number;
  readonly record: TcptoRecord;
}

function noted(
  records: readonly TcptoRecord[],
  address: string,
  timedOut: boolean,
  now: number,
): Change | undefined {
  const index = records.findIndex((one) => one.address === address);
  const record = records[index];
  if (record === undefined) return timedOut ? newRecord(records, address, now) : undefined;
  const { timeouts, last } = record;
  if (!timedOut) return timeouts === 0 ? undefined : { index, record: { ...record, timeouts: 0 } };
  if (timeouts > 0 && now >= last && now - last < SAME_TROUBLE_SECONDS) return undefined;
  return { index, record: { address, timeouts: Math.min(timeouts + 1, COUNT_MAX), last: now } };
}

/** In a free place, else in that of the record which is oldest for its number of timeouts. */
function newRecord(
  records: readonly TcptoRecord[],
  address: string,
  now: number,
): Change | undefined {
  const worths = records.map(({ timeouts, last }) =>
    timeouts === 0 ? -1 : last + timeouts * COUNT_WEIGHT_SECONDS,
  );
  const index = worths.indexOf(Math.min(...worths));
  return index < 0 ? undefined : { index, record: { address, timeouts: 1, last: now } };
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
    const table = Buffer.alloc(TCPTO_SIZE);
    const n = readSync(fd, table, 0, TCPTO_SIZE, 0);
    return { result: use(table.subarray(0, n), fd) };
  } catch {
    return { result: use(Buffer.alloc(0), -1) };
  } finally {
    if (fd !== undefined) closeAnyway(fd);
  }
}
