// System calls that fail, and kill -9, at every step of every command that changes a table: the table is the old one
// or the new one, other users' mail is not touched, a mailbox is removed by vdeluser alone, success is only reported
// when it is true, and the next change goes through at once. FAULT_RUNS for more runs, SEED to repeat some.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTable, type VirtualUser } from '@q/vmailmgr';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Action,
  type Call,
  compileShim,
  FaultOrders,
  type Order,
} from './lib/fault-shim/fault-orders.ts';
import { DIST } from './lib/instance.ts';
import { installed, isRoot, run } from './lib/run.ts';
import { makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

const RUNS = Number(process.env.FAULT_RUNS ?? 60);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));

interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly input?: string;
  /** Settings that are changed before. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A user who cannot be added, changed or moved does not keep the others from it. */
  readonly partly?: boolean;
  /** True when the table and the directories are as after a whole run. */
  done(users: Users): boolean;
}

type Users = ReadonlyMap<string, VirtualUser>;

const COMMANDS: readonly Command[] = [
  {
    name: 'vadduser',
    args: ['-P', 'new', 'other'],
    partly: true,
    done: (users) => users.has('new'),
  },
  {
    name: 'vaddusers',
    args: ['--hashed'],
    input: 'new * other\nnewer *\n',
    partly: true,
    done: (users) => ['new', 'other', 'newer'].every((name) => users.has(name)),
  },
  {
    name: 'vpasswds',
    args: ['--hashed'],
    input: 'joe $6$a$b\nanne $6$a$b\n',
    partly: true,
    done: (users) => ['joe', 'anne'].every((name) => users.get(name)?.password === '$6$a$b'),
  },
  {
    name: 'vchattr',
    args: ['-Q', '77', 'joe', 'anne'],
    done: (users) => ['joe', 'anne'].every((name) => users.get(name)?.hardQuota === 77),
  },
  {
    name: 'vchforwards',
    args: ['joe', 'anne', 'x@y.test'],
    done: (users) => users.get('joe')?.forwards.join() === 'anne,x@y.test',
  },
  {
    name: 'vrenuser',
    args: ['joe', 'joseph'],
    done: (users) => users.has('joseph') && users.get('info')?.forwards.join() === 'joseph',
  },
  {
    name: 'vrehash',
    args: [],
    partly: true,
    settings: { 'user-dir-bits': '6', 'user-dir-slices': '1' },
    done: (users) => /^\.\/users\/..\/joe$/.test(users.get('joe')?.directory ?? ''),
  },
  { name: 'vdeluser', args: ['joe'], done: (users) => !users.has('joe') },
];

/** What calls may fail with, or end in. */
const FAULTS: readonly { readonly call: Call; readonly errors: readonly number[] }[] = [
  { call: 'open', errors: [constants.errno.ENOSPC, constants.errno.EIO, constants.errno.EMFILE] },
  { call: 'write', errors: [constants.errno.ENOSPC, constants.errno.EDQUOT] },
  { call: 'fsync', errors: [constants.errno.EIO, constants.errno.ENOSPC] },
  { call: 'link', errors: [constants.errno.EIO, constants.errno.ENOSPC] },
  { call: 'rename', errors: [constants.errno.EIO, constants.errno.ENOSPC] },
  { call: 'unlink', errors: [constants.errno.EIO] },
  { call: 'mkdir', errors: [constants.errno.ENOSPC, constants.errno.EDQUOT] },
  { call: 'ftruncate', errors: [constants.errno.EIO] },
];
const ACTIONS: readonly Action[] = ['fail', 'fail', 'kill before', 'kill after'];

describe.runIf(isRoot && installed('cc'))('faults (needs root and a C compiler)', () => {
  let domain: VirtualDomain;
  let scratch: string;
  let library: string;
  let orders: FaultOrders;
  /** How often each command makes each call. */
  const counts = new Map<string, Map<Call, number>>();

  beforeAll(async () => {
    domain = await makeVirtualDomain('vmailmgr-fault-');
    scratch = mkdtempSync(join(tmpdir(), 'vmailmgr-fault-shim-'));
    execFileSync('chmod', ['755', scratch]);
    library = compileShim(scratch);
    orders = new FaultOrders(join(scratch, 'orders'), join(domain.home, '..'));
    expect((await domain.tool('vaddusers', ['--hashed'], 'joe * info\nanne *\n')).code).toBe(0);
    for (const name of ['joe', 'anne'])
      domain.write(join(domain.home, `users/${name}/new/1.1.host`), `mail of ${name}`);
    execFileSync('cp', ['-a', domain.home, join(scratch, 'home')]);
    for (const command of COMMANDS) {
      restore(command);
      const from = orders.now;
      expect((await runUnder(command)).code, command.name).toBe(0);
      const seen = new Map<Call, number>();
      for (const step of orders.since(from)) seen.set(step.call, (seen.get(step.call) ?? 0) + 1);
      expect(seen.get('fsync'), command.name).toBeGreaterThan(0);
      expect(command.done(usersNow()), command.name).toBe(true);
      counts.set(command.name, seen);
    }
  });
  afterAll(() => {
    domain.remove();
    rmSync(scratch, { recursive: true });
  });

  function restore(command: Command): void {
    rmSync(domain.home, { recursive: true });
    execFileSync('cp', ['-a', join(scratch, 'home'), domain.home]);
    for (const [name, value] of Object.entries(command.settings ?? {}))
      domain.write(join(domain.home, '.vmailmgr', name), `${value}\n`);
  }

  const runUnder = ({ name, args, input = '' }: Command) =>
    run(join(DIST, name), args, {
      env: { ...domain.env, ...orders.environment(library) },
      uid: domain.uid,
      gid: domain.gid,
      cwd: '/',
      input,
    });

  function usersNow(): Users {
    const table = openTable(join(domain.home, 'passwd.cdb'));
    try {
      return new Map(table.users());
    } finally {
      table.close();
    }
  }

  test(`${RUNS} drawn with seed ${SEED}`, async () => {
    const random = generator(SEED);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
    let fired = 0;
    for (let i = 0; i < RUNS; i++) {
      const command = pick(COMMANDS);
      const possible = FAULTS.filter(({ call }) => counts.get(command.name)?.has(call));
      const { call, errors } = pick(possible);
      const times = counts.get(command.name)?.get(call) ?? 1;
      const order: Order = {
        role: command.name,
        call,
        action: pick(ACTIONS),
        error: pick(errors),
        nth: 1 + Math.floor(random() * times),
      };
      if (await survives(command, order)) fired++;
    }
    expect(fired, `seed ${SEED}`).toBeGreaterThan(RUNS / 2);
  });

  /** True when the fault was met. */
  async function survives(command: Command, order: Order): Promise<boolean> {
    const what = `seed ${SEED}: ${command.name}, ${JSON.stringify(order)}`;
    restore(command);
    const before = usersNow();
    orders.arm(0, order);
    const { code } = await runUnder(command);
    const fired = orders.lift(0);
    const after = usersNow(); // throws for a damaged table
    const done = command.done(after);
    if (code === 0) expect(done, what).toBe(true);
    if (!done && command.partly !== true) expect([...after], what).toEqual([...before]);
    expect(mailOf(after, 'anne'), what).toBe('mail of anne');
    const joe = after.has('joseph') ? 'joseph' : 'joe';
    if (after.has(joe)) expect(mailOf(after, joe), what).toBe('mail of joe');
    for (const [name, { hasMailbox, directory }] of after)
      if (hasMailbox)
        expect(existsSync(join(domain.home, directory, 'new')), `${what}: ${name}`).toBe(true);
    // Neither a lock nor a leftover holds the next change up.
    const started = performance.now();
    const next = await domain.tool('vchattr', ['-c', '5', 'anne']);
    expect(next, what).toMatchObject({ code: 0 });
    expect(performance.now() - started, what).toBeLessThan(20_000);
    expect(readdirSync(domain.home).filter((name) => /\.(tmp|new|stale)$/.test(name))).toEqual([]);
    return fired;
  }

  function mailOf(users: Users, name: string): string | undefined {
    const directory = users.get(name)?.directory;
    if (directory === undefined) return undefined;
    return readFileSync(join(domain.home, directory, 'new/1.1.host'), 'utf8');
  }
});

describe.runIf(isRoot)('a full disk (needs root to mount a small one)', () => {
  let domain: VirtualDomain;
  beforeEach(async () => {
    domain = await makeVirtualDomain('vmailmgr-full-');
  });

  test('leaves the table as it was, says why, and lets the change through when there is room again', async () => {
    const mounted = ['-t', 'tmpfs', '-o', `size=256k,uid=${domain.uid},gid=${domain.gid},mode=755`];
    execFileSync('mount', [...mounted, 'tmpfs', domain.home]);
    try {
      const names = Array.from({ length: 300 }, (_, i) => `alias${i}`);
      domain.write(join(domain.home, '.vmailmgr/postmaster-aliases'), names.join('\n'));
      expect((await domain.tool('vsetup', ['--quiet'])).code).toBe(0);
      const table = readFileSync(join(domain.home, 'passwd.cdb'));
      fill(join(domain.home, 'filler'));
      const said = await domain.tool('vchattr', ['-c', '5', ...names]);
      expect(said.code).toBe(255);
      expect(said.err).toContain('alias0');
      expect(readFileSync(join(domain.home, 'passwd.cdb'))).toEqual(table);
      rmSync(join(domain.home, 'filler'));
      expect((await domain.tool('vchattr', ['-c', '5', ...names])).code).toBe(0);
    } finally {
      execFileSync('umount', [domain.home]);
      domain.remove();
    }
  });

  function fill(path: string): void {
    for (let size = 256 * 1024; size >= 512; size /= 2) {
      try {
        for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
      } catch {
        // the rest by smaller pieces
      }
    }
  }
});

/** mulberry32: reproducible from the seed that a failure shows. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
