// The test's side of shim.c: one file, mapped by every process of an instance, with orders to fail or to die at
// the start and after them a journal of what was done. Offsets in bytes, numbers little-endian:
//
//   0      magic, number of records, number of the next record (64 bits), the instance's directory
//   4096   64 orders of 64 bytes: role, set of calls, errno, action, how many calls to go, fired, by whom, when
//   8192   the journal: records of 1024 bytes, the newest over the oldest
//
// A role is a program's name, with "+worker" or "+listen" in that form. The journal has writes, syncs, links and
// so on of all processes in one order; reads and stats only where a fault was injected. Record A was over before
// record B began exactly if A.ended <= B.number.

import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** In the order of shim.c's enum call. */
const CALLS = [
  'open',
  'write',
  'fsync',
  'link',
  'unlink',
  'rename',
  'mkdir',
  'ftruncate',
  'close',
  'read',
  'send',
  'receive',
  'fork',
  'exec',
  'descriptor',
  'connect',
  'symlink',
  'rmdir',
] as const;
export type Call = (typeof CALLS)[number];

/** In the order of shim.c's enum action, from 1. `fail after`: done, and reported as failed. */
const ACTIONS = ['fail', 'fail after', 'short', 'kill before', 'kill after'] as const;
export type Action = (typeof ACTIONS)[number];

export interface Order {
  readonly role: string;
  readonly call: Call;
  readonly action: Action;
  /** A name in os.constants.errno; for kills and short writes of no meaning. */
  readonly error: number;
  /** The how many-th such call from now. */
  readonly nth: number;
}

export interface Step {
  readonly number: number;
  readonly ended: number;
  readonly pid: number;
  readonly result: number;
  readonly call: Call;
  /** The descriptor; for open its flags. */
  readonly fd: number;
  readonly injected: boolean;
  readonly role: string;
  readonly path: string;
  readonly other: string;
  /** The first bytes written, latin1. */
  readonly data: string;
}

const MAGIC = 0x51464c54;
const ORDERS_AT = 4096;
const ORDER_SIZE = 64;
const JOURNAL_AT = 8192;
const RECORD_SIZE = 1024;
export const ORDERS_MAX = 64;

/** Compiles the shim into `dir`; throws with the compiler's words. */
export function compileShim(dir: string): string {
  const library = join(dir, 'fault-shim.so');
  const source = join(import.meta.dirname, 'shim.c');
  const flags = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror'];
  execFileSync('cc', [...flags, '-o', library, source, '-ldl'], { stdio: 'pipe' });
  chmodSync(library, 0o755);
  return library;
}

export class FaultOrders {
  readonly path: string;
  readonly #fd: number;
  readonly #records: number;

  /** `home`: the instance's directory. `records`: how much the journal holds. */
  constructor(path: string, home: string, records = 32_768) {
    this.path = path;
    this.#records = records;
    this.#fd = openSync(path, 'w+', 0o666);
    chmodSync(path, 0o666); // processes of other uids map it
    ftruncateSync(this.#fd, JOURNAL_AT + records * RECORD_SIZE);
    const head = Buffer.alloc(16 + 256);
    head.writeUInt32LE(MAGIC, 0);
    head.writeUInt32LE(records, 4);
    head.write(home, 16, 255, 'latin1');
    writeSync(this.#fd, head, 0, head.length, 0);
  }

  /** What a program needs in its environment. */
  environment(library: string): NodeJS.ProcessEnv {
    return { LD_PRELOAD: library, FAULT_ORDERS: this.path };
  }

  arm(slot: number, order: Order): void {
    const bytes = Buffer.alloc(ORDER_SIZE);
    bytes.write(order.role, 0, 23, 'latin1');
    bytes.writeUInt32LE(1 << CALLS.indexOf(order.call), 24);
    bytes.writeInt32LE(order.error, 28);
    bytes.writeUInt32LE(ACTIONS.indexOf(order.action) + 1, 32);
    const at = ORDERS_AT + slot * ORDER_SIZE;
    writeSync(this.#fd, bytes, 0, bytes.length, at);
    bytes.writeInt32LE(order.nth, 36); // last: from here on it counts
    writeSync(this.#fd, bytes, 36, 4, at + 36);
  }

  /** Takes it back; true when it had fired. */
  lift(slot: number): boolean {
    const at = ORDERS_AT + slot * ORDER_SIZE;
    writeSync(this.#fd, Buffer.alloc(4), 0, 4, at + 36);
    return this.fired(slot);
  }

  fired(slot: number): boolean {
    const bytes = Buffer.alloc(4);
    readSync(this.#fd, bytes, 0, 4, ORDERS_AT + slot * ORDER_SIZE + 40);
    return bytes.readUInt32LE(0) !== 0;
  }

  /** The number that the next record will have. */
  get now(): number {
    const bytes = Buffer.alloc(8);
    readSync(this.#fd, bytes, 0, 8, 8);
    return Number(bytes.readBigUInt64LE(0));
  }

  /** The records from number `from` on. Throws when some of them have been written over. */
  since(from: number): Step[] {
    const to = this.now;
    if (to - from > this.#records)
      throw new Error(`the journal is too small: ${to - from} records`);
    const steps: Step[] = [];
    const bytes = Buffer.alloc(RECORD_SIZE);
    for (let number = from; number < to; number++) {
      readSync(
        this.#fd,
        bytes,
        0,
        RECORD_SIZE,
        JOURNAL_AT + (number % this.#records) * RECORD_SIZE,
      );
      // Not there: killed inside the call, or not over yet.
      if (Number(bytes.readBigUInt64LE(0)) === number + 1) steps.push(stepOf(bytes, number));
    }
    return steps;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function stepOf(bytes: Buffer, number: number): Step {
  const length = Math.min(bytes.readUInt32LE(40), RECORD_SIZE - 392);
  return {
    number,
    ended: Number(bytes.readBigUInt64LE(8)),
    pid: bytes.readInt32LE(16),
    result: bytes.readInt32LE(20),
    call: CALLS[bytes.readUInt32LE(28)] ?? 'open',
    fd: bytes.readInt32LE(32),
    injected: bytes.readUInt32LE(36) !== 0,
    role: text(bytes, 44, 24),
    path: text(bytes, 68, 160).replaceAll('//', '/'),
    other: text(bytes, 228, 160).replaceAll('//', '/'),
    data: bytes.toString('latin1', 388, 388 + length),
  };
}

function text(bytes: Buffer, at: number, size: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, Math.min(end, at + size));
}
