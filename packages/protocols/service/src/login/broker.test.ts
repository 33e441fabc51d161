import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCdb } from '@q/cdb';
import { Permanent, Temporary } from '@q/fault';
import { compileAssign } from '@q/users';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WorkerEnded } from '../worker.ts';
import type { WorkerPool } from '../worker-pool.ts';
import { Broker } from './broker.ts';
import { TAKE_TIMEOUT } from './limits.ts';
import type { FromLogin, ToLogin } from './messages.ts';

/** A uid nobody has. */
const UID = 52_526;
const PATIENCE = { timeout: 60_000 };
const LOGIN = { user: 'ann@virtual.test', password: 'secret', client: {} };

let home: string;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'broker-'));
  for (const dir of ['control', 'users']) mkdirSync(join(home, dir));
  writeFileSync(join(home, 'control/me'), 'host.test\n');
  writeFileSync(join(home, 'control/virtualdomains'), 'virtual.test:joe\n');
  const assign = compileAssign(`+joe-:joe:${UID}:${UID}:${home}:-::\n.\n`);
  await writeCdb(join(home, 'users/cdb'), assign, { mode: 0o644 });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(home, { recursive: true });
});

/** A broker whose only worker answers as `answer` says, and what it said to the login process. */
function brokerWith(
  answer: (work: { do: string }) => Promise<unknown>,
  nameIn?: (certificates: readonly Buffer[]) => string | undefined,
) {
  const told: ToLogin[] = [];
  const counted = { kept: 0, started: 0, closed: 0 };
  const worker = {
    ask: answer,
    keep: () => {
      counted.kept++;
      return () => counted.kept--;
    },
  };
  const pool = {
    of: () => {
      counted.started++;
      return worker;
    },
  };
  const broker = new Broker({
    env: { PATH: process.env.PATH, QMAILHOME: home },
    maildir: 'Maildir',
    workers: pool as unknown as WorkerPool,
    log: () => {},
    tell: (message) => told.push(message),
    ...(nameIn !== undefined && { nameIn }),
  });
  const held = () => ({
    handle: { reading: false, readStop: () => 0, close() {} },
    close: () => {
      counted.closed++;
    },
  });
  const say = (message: FromLogin, withSocket = false) =>
    broker.onMessage(message, withSocket ? held() : undefined);
  return { say, told, counted };
}

const ok = async (work: { do: string }) =>
  work.do === 'login' ? { verdict: 'ok', env: { MAILDIR: 'm' } } : { counts: { retrieved: 2 } };

test('a client that was admitted is given to the worker, and its end is told with what it did', async () => {
  const { say, told, counted } = brokerWith(ok);
  expect(say({ kind: 'login', id: 1, ...LOGIN })).toBe(true);
  await vi.waitFor(
    () => expect(told).toEqual([{ kind: 'verdict', id: 1, verdict: 'ok' }]),
    PATIENCE,
  );
  expect(counted.kept).toBe(1);
  expect(say({ kind: 'take', id: 1, rest: '', secure: false }, true)).toBe(true);
  await vi.waitFor(
    () => expect(told.at(-1)).toEqual({ kind: 'ended', id: 1, counts: { retrieved: 2 } }),
    PATIENCE,
  );
  expect(counted.kept).toBe(0);
  expect(say({ kind: 'take', id: 1, rest: '', secure: false }, true)).toBe(false);
});

test('when the worker ends while it judges, another one is asked, and serves the client', async () => {
  let asked = 0;
  const { say, told, counted } = brokerWith(async (work) => {
    if (++asked === 1) throw new WorkerEnded();
    return ok(work);
  });
  say({ kind: 'login', id: 1, ...LOGIN });
  await vi.waitFor(
    () => expect(told).toEqual([{ kind: 'verdict', id: 1, verdict: 'ok' }]),
    PATIENCE,
  );
  expect(counted).toEqual({ kept: 1, started: 2, closed: 0 });
  expect(say({ kind: 'take', id: 1, rest: '', secure: false }, true)).toBe(true);
  await vi.waitFor(
    () => expect(told.at(-1)).toEqual({ kind: 'ended', id: 1, counts: { retrieved: 2 } }),
    PATIENCE,
  );
  expect(asked).toBe(3);
  expect(counted.kept).toBe(0);
});

test('the server’s own proof goes with the verdict of the worker that made it', async () => {
  const proof = Buffer.alloc(32).toString('base64');
  const { say, told } = brokerWith(async () => ({ verdict: 'ok', env: {}, proof }));
  say({ kind: 'login', id: 1, ...LOGIN });
  await vi.waitFor(
    () => expect(told).toEqual([{ kind: 'verdict', id: 1, verdict: 'ok', proof }]),
    PATIENCE,
  );
  expect(say({ kind: 'drop', id: 1 })).toBe(true);
});

test('an admitted client that never comes is forgotten, and one that comes after that is hung up on, no more', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { say, told, counted } = brokerWith(ok);
  say({ kind: 'login', id: 1, ...LOGIN });
  say({ kind: 'login', id: 2, ...LOGIN });
  while (told.length < 2) await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(TAKE_TIMEOUT);
  expect(told.slice(2)).toEqual([
    { kind: 'ended', id: 1 },
    { kind: 'ended', id: 2 },
  ]);
  expect(counted.kept).toBe(0);
  expect(say({ kind: 'take', id: 1, rest: '', secure: false }, true)).toBe(true);
  expect(counted.closed).toBe(1);
  expect(told.at(-1)).toEqual({ kind: 'ended', id: 1 });
  expect(say({ kind: 'drop', id: 2 })).toBe(true);
  // Both are forgotten now: the ids may not be used for a client.
  for (const id of [1, 2])
    expect(say({ kind: 'take', id, rest: '', secure: false }, true)).toBe(false);
});

test('a worker that cannot be had, or ends, or makes no sense is a temporary failure; nothing is kept for it', async () => {
  const answers = [
    [
      async () => {
        throw new Temporary('too many users are busy');
      },
      1,
    ],
    [
      async () => {
        throw new WorkerEnded();
      },
      2,
    ],
    [async () => 'nonsense', 1],
    [async () => ({ verdict: 'ok' }), 1],
  ] as const;
  for (const [answer, started] of answers) {
    const { say, told, counted } = brokerWith(answer);
    say({ kind: 'login', id: 1, ...LOGIN });
    await vi.waitFor(
      () => expect(told).toEqual([{ kind: 'verdict', id: 1, verdict: 'temporary' }]),
      PATIENCE,
    );
    expect(counted).toEqual({ kept: 0, started, closed: 0 });
    expect(say({ kind: 'take', id: 1, rest: '', secure: false }, true)).toBe(false);
  }
});

test('an unknown name is refused without a worker', async () => {
  const { say, told, counted } = brokerWith(ok);
  say({ kind: 'login', id: 1, ...LOGIN, user: 'ann@elsewhere.test' });
  await vi.waitFor(
    () => expect(told).toEqual([{ kind: 'verdict', id: 1, verdict: 'refused' }]),
    PATIENCE,
  );
  expect(counted.started).toBe(0);
});

test('certificates open the mailbox that they name and no other, without a password', async () => {
  const seen: unknown[] = [];
  const answer = async (work: { do: string }) => {
    seen.push(work);
    return { verdict: 'ok', env: {} };
  };
  const nameIn = ([first]: readonly Buffer[]) => {
    const name = String(first);
    if (name === 'bad') throw new Permanent('expired');
    return name === 'nobody' ? undefined : name;
  };
  const judge = async (
    user: string,
    shown: readonly string[],
    names: typeof nameIn | undefined,
  ) => {
    const { say, told, counted } = brokerWith(answer, names);
    const certificates = shown.map((each) => Buffer.from(each).toString('base64'));
    say({ kind: 'login', id: 1, user, certificates, client: {} });
    await vi.waitFor(() => expect(told).toHaveLength(1), PATIENCE);
    const [verdict] = told;
    return { verdict: verdict?.kind === 'verdict' && verdict.verdict, started: counted.started };
  };
  const ann = 'ann@virtual.test';
  expect(await judge('Ann@Virtual.test', [ann], nameIn)).toEqual({ verdict: 'ok', started: 1 });
  expect(seen).toEqual([expect.objectContaining({ do: 'admit', virtualName: 'ann' })]);
  const refused = { verdict: 'refused', started: 0 };
  expect(await judge('ben@virtual.test', [ann], nameIn)).toEqual(refused);
  expect(await judge(ann, ['bad'], nameIn)).toEqual(refused);
  expect(await judge(ann, ['nobody'], nameIn)).toEqual(refused);
  expect(await judge('', [''], nameIn)).toEqual(refused);
  expect(await judge(ann, [ann], undefined)).toEqual(refused);
  expect(await judge('ann@elsewhere.test', ['ann@elsewhere.test'], nameIn)).toEqual(refused);
  expect(seen).toHaveLength(1);
});
