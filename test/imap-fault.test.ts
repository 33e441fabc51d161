// System calls that fail, and kill -9, at every step of every command of IMAP that writes: no message is lost or doubled
// against what the client was told, UIDs stay those of their messages and are never used again, and the next session
// goes on at once.
// FAULT_RUNS for more runs, SEED to repeat some.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Action,
  type Call,
  compileShim,
  FaultOrders,
  type Order,
} from './lib/fault-shim/fault-orders.ts';
import { generator, pick } from './lib/fault-shim/fault-plan.ts';
import {
  type Contents,
  IDS,
  MAILBOXES,
  type Told,
  WRITING,
  type WritingCommand,
} from './lib/imap/fault-commands.ts';
import { type Answer, itemsOf, WireClient } from './lib/imap/wire.ts';
import { DIST } from './lib/instance.ts';
import { installed, isRoot } from './lib/run.ts';

const RUNS = Number(process.env.FAULT_RUNS ?? 20);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
const UID = 52_525;
const PATIENCE_MS = 15_000;

const { ENOSPC, EIO, EMFILE, EDQUOT } = constants.errno;
const LOST_ANSWER: readonly Action[] = ['fail after'];
const FAULTS: readonly {
  readonly call: Call;
  readonly errors: readonly number[];
  readonly actions?: readonly Action[];
}[] = [
  { call: 'open', errors: [ENOSPC, EIO, EMFILE] },
  { call: 'write', errors: [ENOSPC, EDQUOT], actions: ['short'] },
  { call: 'fsync', errors: [EIO, ENOSPC], actions: LOST_ANSWER },
  { call: 'link', errors: [EIO, ENOSPC], actions: LOST_ANSWER },
  { call: 'rename', errors: [EIO, ENOSPC], actions: LOST_ANSWER },
  { call: 'unlink', errors: [EIO], actions: LOST_ANSWER },
  { call: 'mkdir', errors: [ENOSPC, EDQUOT] },
  { call: 'rmdir', errors: [EIO], actions: LOST_ANSWER },
];
const ACTIONS: readonly Action[] = ['fail', 'fail', 'kill before', 'kill after'];

/** All that a client can know of a Maildir. */
interface Seen {
  readonly contents: Contents;
  /** "mailbox uidvalidity uid" → id */
  readonly uids: ReadonlyMap<string, string>;
}

describe.runIf(isRoot && installed('cc'))('faults (needs root and a C compiler)', () => {
  let top: string;
  let library: string;
  let orders: FaultOrders;
  const counts = new Map<WritingCommand, Map<Call, number>>();
  const home = () => join(top, 'home');

  beforeAll(async () => {
    top = mkdtempSync(join(tmpdir(), 'imap-fault-'));
    chmodSync(top, 0o755);
    library = compileShim(top);
    mkdirSync(home());
    orders = new FaultOrders(join(top, 'orders'), home());
    for (const dir of ['', 'cur', 'new', 'tmp']) mkdirSync(join(home(), 'Maildir', dir));
    // The cache stays in memory: what befalls it on disk is tested with it, and the faults are for the mail.
    writeFileSync(join(home(), 'Maildir/mailcache'), '');
    execFileSync('chown', ['-R', `${UID}:${UID}`, home()]);
    const session = await openSession();
    await session.must('CREATE Target');
    for (const id of IDS) await session.append('INBOX', '', id);
    await session.must('SELECT INBOX');
    await session.must('STORE 6 +FLAGS (red \\Seen)');
    await session.end();
    execFileSync('cp', ['-a', home(), join(top, 'template')]);
    for (const command of WRITING) await learn(command);
  });
  afterAll(() => {
    orders?.close();
    rmSync(top, { recursive: true });
  });

  function restore(): void {
    rmSync(home(), { recursive: true });
    execFileSync('cp', ['-a', join(top, 'template'), home()]);
  }

  /** Which calls a command makes. */
  async function learn(command: WritingCommand): Promise<void> {
    restore();
    const session = await openSession();
    await session.must('SELECT INBOX');
    for (const before of command.before) await session.must(before);
    const was = await look();
    const from = orders.now;
    expect((await session.perform(command.command)).status, command.name).toBe('OK');
    const seen = new Map<Call, number>();
    for (const { call } of orders.since(from)) seen.set(call, (seen.get(call) ?? 0) + 1);
    await session.end();
    command.check('OK', was.contents, (await look()).contents);
    expect(seen.size, command.name).toBeGreaterThan(0);
    counts.set(command, seen);
  }

  test(`${RUNS} drawn with seed ${SEED}`, {
    timeout: Math.max(240_000, RUNS * 10_000),
  }, async () => {
    const random = generator(SEED);
    let fired = 0;
    for (let i = 0; i < RUNS; i++) {
      const command = pick(WRITING, random);
      const order = orderFor(command, random);
      const what = `seed ${SEED}, run ${i}: ${command.name}, ${JSON.stringify(order)}`;
      try {
        if (await survives(command, order)) fired++;
      } catch (error) {
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      }
    }
    console.log(`imap fault test: SEED=${SEED}, ${fired} of ${RUNS} faults were met`);
    expect(fired, `seed ${SEED}`).toBeGreaterThan(RUNS / 2);
  });

  function orderFor(command: WritingCommand, random: () => number): Order {
    const seen = counts.get(command);
    const possible = FAULTS.filter(({ call }) => seen?.has(call));
    const { call, errors, actions = [] } = pick(possible, random);
    return {
      role: 'imapd',
      call,
      action: pick([...ACTIONS, ...actions], random),
      error: pick(errors, random),
      nth: 1 + Math.floor(random() * (seen?.get(call) ?? 1)),
    };
  }

  /** True when the fault was met. */
  async function survives(command: WritingCommand, order: Order): Promise<boolean> {
    restore();
    const session = await openSession();
    await session.must('SELECT INBOX');
    for (const before of command.before) await session.must(before);
    const was = await look();
    orders.arm(0, order);
    // A server whose very answer could not be written says nothing, and the client gives up.
    const answer = await Promise.race([
      session.perform(command.command).catch(() => undefined),
      sleep(PATIENCE_MS, undefined, { ref: false }),
    ]);
    const fired = orders.lift(0);
    await session.end();
    const told: Told = answer === undefined ? 'nothing' : answer.status === 'OK' ? 'OK' : 'NO';
    const is = await look();
    command.check(told, was.contents, is.contents);
    keepsUids(was, is);
    if (answer !== undefined) toldTruth(answer, is);
    await goesOn(is);
    return fired;
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

  function toldTruth({ text }: Answer, is: Seen): void {
    const code = /\[APPENDUID (\d+) (\d+)/.exec(text);
    if (code !== null && !is.uids.has(`Target ${code[1]} ${code[2]}`))
      throw new Error(`told ${text}`);
  }

  /** The next append works, and its UID is a new one. */
  async function goesOn({ uids }: Seen): Promise<void> {
    const session = await openSession();
    const { text } = await session.append('INBOX', '', 'last');
    await session.end();
    const [, validity, uid] = /\[APPENDUID (\d+) (\d+)\]/.exec(text) ?? [];
    for (const known of uids.keys()) {
      const [mailbox, same, number] = known.split(' ');
      if (mailbox === 'INBOX' && (same !== validity || Number(number) >= Number(uid)))
        throw new Error(`after ${known} came ${validity} ${uid}`);
    }
  }

  /** What a client finds that asks for everything. */
  async function look(): Promise<Seen> {
    const session = await openSession({});
    const contents: Record<string, string[]> = {};
    const uids = new Map<string, string>();
    for (const mailbox of MAILBOXES) {
      const selected = await session.run(`EXAMINE ${mailbox}`);
      if (selected.status !== 'OK') continue;
      const validity = /UIDVALIDITY (\d+)/.exec(
        selected.untagged.map(({ text }) => text).join(),
      )?.[1];
      const ids: string[] = [];
      const { untagged } = await session.must(
        'UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (X-ID)])',
      );
      for (const { values } of untagged) {
        if (values[1] !== 'FETCH') continue;
        const items = itemsOf(values[2]);
        const id = /x-id: (\S+)/i.exec(String(items.get('BODY[HEADER.FIELDS (X-ID)]')))?.[1] ?? '?';
        ids.push(id);
        uids.set(`${mailbox} ${validity} ${items.get('UID')}`, id);
      }
      contents[mailbox] = ids;
    }
    await session.end();
    return { contents, uids };
  }

  /** An imapd of its own, under the shim unless `shim` is another environment. */
  async function openSession(shim = orders.environment(library)) {
    const child = spawn(join(DIST, 'imapd'), ['Maildir'], {
      cwd: home(),
      env: { PATH: process.env.PATH, ...shim },
      uid: UID,
      gid: UID,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const client = new WireClient(child.stdout, child.stdin);
    await client.greeting();
    const run = (command: string) => client.run(command);
    const append = async (mailbox: string, flags: string, ...ids: string[]) => {
      const answer = await client.literals(
        `APPEND ${mailbox}`,
        ids.map((id) => [`(${flags})`, `X-ID: ${id}\r\n\r\n${id}\r\n`]),
      );
      return answer;
    };
    return {
      run,
      append,
      must: async (command: string) => {
        const answer = await run(command);
        if (answer.status !== 'OK') throw new Error(`${command}: ${answer.status} ${answer.text}`);
        return answer;
      },
      /** A command of the table. */
      perform: (command: string) => {
        const [, mailbox, flags, ids] = /^APPEND (\S+) \((.*)\) (.*)$/.exec(command) ?? [];
        return mailbox === undefined
          ? run(command)
          : append(mailbox, flags as string, ...(ids as string).split(' '));
      },
      end: async () => {
        child.stdin.destroy();
        child.kill('SIGKILL');
        await over;
      },
    };
  }
});
