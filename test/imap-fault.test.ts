// System calls that fail, and kill -9, at every step of every command of IMAP that writes: no message is lost or doubled
// against what the client was told, UIDs stay those of their messages and are never used again, and the next session
// goes on at once. The same with the files of the cache among those that fail.
// FAULT_RUNS for more runs, SEED for others: lib/seed.ts.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileShim, FaultOrders, type Order } from './lib/fault-shim/fault-orders.ts';
import {
  type CallCounts,
  countCalls,
  DISK_ERRORS,
  generator,
  orderAmong,
  pick,
} from './lib/fault-shim/fault-plan.ts';
import {
  FLAGGED,
  IDS,
  type Told,
  WRITING,
  type WritingCommand,
} from './lib/imap/fault-commands.ts';
import { type FaultSession, look, openSession, type Seen } from './lib/imap/fault-session.ts';
import type { Answer } from './lib/imap/wire.ts';
import { installed, isRoot } from './lib/run.ts';
import { SEED } from './lib/seed.ts';

const RUNS = Number(process.env.FAULT_RUNS ?? 20);
const UID = 52_525;
/** In memory, the faults are all for the mail. */
const CACHES = ['on disk', 'in memory'] as const;
type Cache = (typeof CACHES)[number];

describe.runIf(isRoot && installed('cc'))('faults (needs root and a C compiler)', () => {
  let top: string;
  let library: string;
  let orders: FaultOrders;
  const counts = new Map<string, CallCounts>();
  const home = () => join(top, 'home');

  beforeAll(async () => {
    top = mkdtempSync(join(tmpdir(), 'imap-fault-'));
    chmodSync(top, 0o755);
    library = compileShim(top);
    orders = new FaultOrders(join(top, 'orders'), home());
    for (const cache of CACHES) await furnish(cache);
  });
  afterAll(() => {
    orders?.close();
    rmSync(top, { recursive: true });
  });

  /** The Maildir that each run begins with. */
  async function furnish(cache: Cache): Promise<void> {
    mkdirSync(home());
    for (const dir of ['', 'cur', 'new', 'tmp']) mkdirSync(join(home(), 'Maildir', dir));
    // Where its directory cannot be made the cache stays in memory.
    if (cache === 'in memory') writeFileSync(join(home(), 'Maildir/mailcache'), '');
    execFileSync('chown', ['-R', `${UID}:${UID}`, home()]);
    const session = await open({});
    await session.must('CREATE Target');
    for (const id of IDS) await session.append('INBOX', id);
    await session.must('SELECT INBOX');
    await session.must('STORE 6 +FLAGS (red \\Seen)');
    await session.finish();
    execFileSync('mv', [home(), join(top, cache)]);
  }

  function restore(cache: Cache): void {
    rmSync(home(), { recursive: true, force: true });
    execFileSync('cp', ['-a', join(top, cache), home()]);
  }

  const open = (shim = orders.environment(library)) => openSession(home(), UID, shim);

  async function lookNow(): Promise<Seen> {
    const session = await open({});
    const seen = await look(session);
    await session.end();
    return seen;
  }

  /** A session in which `command` can be given, and what is there. */
  async function prepare({ before, arriving = [] }: WritingCommand, cache: Cache) {
    restore(cache);
    const session = await open();
    await session.must('SELECT INBOX');
    for (const one of before) await session.must(one);
    const was = await lookNow();
    for (const [n, id] of arriving.entries()) {
      const path = join(home(), `Maildir/new/200000000${n}.${id}.host`);
      writeFileSync(path, `X-ID: ${id}\n\n${id}\n`);
      chownSync(path, UID, UID);
    }
    return { session, was };
  }

  /** Which calls a command makes: known from a run without a fault. */
  async function callsOf(command: WritingCommand, cache: Cache): Promise<CallCounts> {
    const key = `${command.name} ${cache}`;
    const calls = counts.get(key) ?? (await learn(command, cache));
    counts.set(key, calls);
    return calls;
  }

  async function learn(command: WritingCommand, cache: Cache): Promise<CallCounts> {
    const { session, was } = await prepare(command, cache);
    const from = orders.now;
    expect(await session.perform(command.command), command.name).toMatchObject({ status: 'OK' });
    await session.finish();
    const calls = countCalls(orders.since(from));
    const is = await lookNow();
    command.check('OK', was.contents, is.contents);
    keepsFlags(command, 'OK', is);
    expect(calls.size, command.name).toBeGreaterThan(0);
    return calls;
  }

  test(`${RUNS} drawn with seed ${SEED}`, {
    timeout: Math.max(900_000, RUNS * 20_000),
  }, async () => {
    const random = generator(SEED);
    let fired = 0;
    for (let i = 0; i < RUNS; i++) {
      // In turn, so that few runs have all of them.
      const command = WRITING[(SEED + i) % WRITING.length] as WritingCommand;
      const cache = pick(CACHES, random);
      const calls = await callsOf(command, cache);
      const order = orderAmong('imapd', calls, DISK_ERRORS, random);
      const what = `SEED=${SEED}, run ${i}: ${command.name}, cache ${cache}, ${JSON.stringify(order)}`;
      try {
        if (await survives(command, cache, order)) fired++;
      } catch (error) {
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      }
    }
    console.log(`imap fault test: SEED=${SEED}, ${fired} of ${RUNS} faults were met`);
    expect(fired, `SEED=${SEED}`).toBeGreaterThan(RUNS / 2);
  });

  /** True when the fault was met. */
  async function survives(command: WritingCommand, cache: Cache, order: Order): Promise<boolean> {
    const { session, was } = await prepare(command, cache);
    orders.arm(0, order);
    try {
      const answer = await session.perform(command.command);
      await session.finish();
      const fired = orders.lift(0);
      const told: Told = answer === undefined ? 'nothing' : answer.status === 'OK' ? 'OK' : 'NO';
      const next = await open({});
      try {
        const is = await look(next);
        command.check(told, was.contents, is.contents);
        keepsFlags(command, told, is);
        keepsUids(was, is);
        if (answer !== undefined) toldTruth(answer, is);
        await goesOn(next, is);
      } finally {
        await next.end();
      }
      return fired;
    } finally {
      await session.end();
    }
  }

  function keepsFlags({ flags: done = {} }: WritingCommand, told: Told, { flags }: Seen): void {
    const needs = (key: string, wanted: readonly string[]) => {
      const has = flags.get(key) ?? [];
      if (!wanted.every((flag) => has.includes(flag)))
        throw new Error(`${key} has flags ${has}, not ${wanted}`);
    };
    for (const key of flags.keys()) if (key.endsWith(` ${FLAGGED.id}`)) needs(key, FLAGGED.flags);
    if (told === 'OK') for (const [key, wanted] of Object.entries(done)) needs(key, wanted);
  }

  /** A UID is a message's for ever. */
  function keepsUids(was: Seen, is: Seen): void {
    for (const [uid, id] of is.uids) {
      const before = was.uids.get(uid);
      if (before !== undefined && before !== id)
        throw new Error(`${uid} was ${before}'s, is ${id}'s`);
    }
    for (const [uid, id] of was.uids) {
      const mailbox = uid.split(' ')[0] as string;
      const there = is.contents[mailbox]?.includes(id);
      if (there && !is.uids.has(uid)) throw new Error(`${id} lost ${uid}`);
    }
  }

  function toldTruth({ text, untagged }: Answer, is: Seen): void {
    const known = new Set([...is.uids.keys()].map((key) => key.slice(key.indexOf(' ') + 1)));
    for (const said of [text, ...untagged.map((one) => one.text)]) {
      const [, validity, uids = ''] =
        /\[(?:APPENDUID (\d+)|COPYUID (\d+) \S+) ([\d:,]+)\]/.exec(said)?.filter(Boolean) ?? [];
      for (const uid of uids.split(/[:,]/))
        if (uid !== '' && !known.has(`${validity} ${uid}`)) throw new Error(`told ${said}`);
    }
  }

  /** The next append works, and its UID is a new one. */
  async function goesOn(session: FaultSession, { uids }: Seen): Promise<void> {
    const { text } = await session.append('INBOX', 'last');
    const [, validity, uid] = /\[APPENDUID (\d+) (\d+)\]/.exec(text) ?? [];
    for (const known of uids.keys()) {
      const [mailbox, same, number] = known.split(' ');
      if (mailbox === 'INBOX' && (same !== validity || Number(number) >= Number(uid)))
        throw new Error(`after ${known} came ${validity} ${uid}`);
    }
  }
});
