// Which fault comes next: drawn from what each program really calls, so that most orders are reached. For the programs of
// the paper path that was seen in runs once and stands in a table here; for a single command the test counts its calls.

import { constants } from 'node:os';
import type { Action, Call, Order, Step } from './fault-orders.ts';

const { ENOSPC, EDQUOT, EIO, EMFILE, EINTR, EAGAIN, ENOMEM, ECONNRESET, ECONNREFUSED } =
  constants.errno;

export type Errors = Readonly<Partial<Record<Call, readonly number[]>>>;

/** What a call may fail with; all of it passes, so no mail may bounce for it. */
export const PASSING_ERRORS = {
  open: [ENOSPC, EIO, EMFILE, EINTR],
  write: [ENOSPC, EIO, EINTR],
  fsync: [EIO, ENOSPC, EINTR],
  link: [EIO, ENOSPC],
  unlink: [EIO],
  rename: [EIO, ENOSPC],
  mkdir: [EIO, ENOSPC],
  ftruncate: [EIO],
  close: [EIO, ENOSPC, EINTR],
  read: [EIO, EINTR],
  send: [EIO, ECONNRESET],
  receive: [EIO, ECONNRESET],
  fork: [EAGAIN, ENOMEM],
  exec: [EMFILE, EIO, ENOMEM],
  descriptor: [EMFILE],
  connect: [ECONNREFUSED, EIO],
  symlink: [EIO, ENOSPC],
  rmdir: [EIO],
} satisfies Errors;

/** What the calls of a command that changes files may fail with: a disk that is full, over quota or broken. */
export const DISK_ERRORS: Errors = {
  open: [ENOSPC, EIO, EMFILE],
  write: [ENOSPC, EDQUOT],
  fsync: [EIO, ENOSPC],
  link: [EIO, ENOSPC],
  symlink: [EIO, ENOSPC],
  rename: [EIO, ENOSPC],
  unlink: [EIO],
  mkdir: [ENOSPC, EDQUOT],
  rmdir: [EIO],
  ftruncate: [EIO],
};

/** Calls whose work may be done although they report an error, as over NFS or at a lost answer. */
const MAY_BE_DONE: readonly Call[] = [
  'link',
  'symlink',
  'unlink',
  'rename',
  'mkdir',
  'rmdir',
  'fsync',
  'close',
];

/** For each role, how often to draw it, and its calls with the highest number to aim at. */
const ROLES: readonly {
  readonly role: string;
  readonly weight: number;
  readonly calls: Readonly<Partial<Record<Call, number>>>;
}[] = [
  {
    role: 'qmail-smtpd+listen',
    weight: 6,
    calls: { write: 20, read: 20, descriptor: 2, connect: 1 },
  },
  {
    role: 'qmail-queue+listen',
    weight: 12,
    calls: {
      open: 12,
      write: 12,
      fsync: 12,
      link: 8,
      unlink: 4,
      close: 12,
      read: 12,
      descriptor: 1,
    },
  },
  {
    role: 'qmail-queue',
    weight: 10,
    calls: { open: 4, write: 3, fsync: 4, link: 2, unlink: 1, close: 4, read: 4 },
  },
  {
    role: 'qmail-send',
    weight: 14,
    calls: { open: 20, write: 20, fsync: 12, unlink: 6, close: 20, read: 30 },
  },
  { role: 'qmail-clean', weight: 6, calls: { unlink: 10, write: 6, read: 6 } },
  {
    role: 'qmail-lspawn',
    weight: 8,
    calls: { open: 8, write: 8, read: 12, close: 16, descriptor: 8, fork: 1 },
  },
  {
    role: 'qmail-local+worker',
    weight: 12,
    calls: { open: 12, write: 16, fsync: 8, link: 4, unlink: 4, close: 16, read: 16, ftruncate: 1 },
  },
  {
    role: 'vdeliver+worker',
    weight: 8,
    calls: { open: 4, write: 4, fsync: 4, link: 2, unlink: 2, close: 6, read: 6 },
  },
  {
    role: 'qmail-rspawn',
    weight: 8,
    calls: { open: 4, write: 8, read: 12, close: 6, descriptor: 2, connect: 2 },
  },
  {
    role: 'qmail-local',
    weight: 8,
    calls: { open: 4, write: 3, fsync: 2, link: 1, unlink: 1, close: 4, read: 4 },
  },
  {
    role: 'qmail-remote',
    weight: 6,
    calls: { open: 4, write: 5, read: 8, close: 3, descriptor: 1, connect: 1 },
  },
];

/** Draws one; `random` gives numbers in [0, 1). */
export function drawOrder(random: () => number): Order {
  const { role, calls } = pick(
    ROLES.flatMap((one) => Array<typeof one>(one.weight).fill(one)),
    random,
  );
  const call = pick(Object.keys(calls) as Call[], random);
  return {
    role,
    call,
    action: drawAction(call, random),
    error: pick(PASSING_ERRORS[call], random),
    nth: 1 + Math.floor(random() * (calls[call] ?? 1)),
  };
}

/** How often each call was made. */
export type CallCounts = ReadonlyMap<Call, number>;

export function countCalls(steps: readonly Step[]): CallCounts {
  const counts = new Map<Call, number>();
  for (const { call } of steps) counts.set(call, (counts.get(call) ?? 0) + 1);
  return counts;
}

/** One among the calls that `role` makes and that have an error. */
export function orderAmong(
  role: string,
  counts: CallCounts,
  errors: Errors,
  random: () => number,
): Order {
  const call = pick(
    [...counts.keys()].filter((one) => errors[one] !== undefined),
    random,
  );
  return {
    role,
    call,
    action: drawAction(call, random),
    error: pick(errors[call] ?? [], random),
    nth: 1 + Math.floor(random() * (counts.get(call) ?? 1)),
  };
}

function drawAction(call: Call, random: () => number): Action {
  const actions: Action[] = ['fail', 'fail', 'kill before', 'kill after'];
  if (MAY_BE_DONE.includes(call)) actions.push('fail after');
  if (call === 'write') actions.push('short');
  return pick(actions, random);
}

export function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** A small deterministic generator (mulberry32): numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
