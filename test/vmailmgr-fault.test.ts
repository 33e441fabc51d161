// System calls that fail, and kill -9, at every step of every command that changes a virtual domain: the table is the
// old one or the new one, mail is where its user finds it, a mailbox is removed by vdeluser alone, success is only
// reported when it is true, and the same command run once more completes the work, at once.
// FAULT_RUNS for more runs, SEED for others: lib/seed.ts.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTable, type VirtualUser } from '@q/vmailmgr';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compileShim, FaultOrders, type Order } from './lib/fault-shim/fault-orders.ts';
import {
  type CallCounts,
  countCalls,
  DISK_ERRORS,
  generator,
  orderAmong,
} from './lib/fault-shim/fault-plan.ts';
import { DIST } from './lib/instance.ts';
import { installed, isRoot, run } from './lib/run.ts';
import { SEED } from './lib/seed.ts';
import { BULLETINS, COMMANDS, type Home, type TableCommand } from './lib/table-commands.ts';
import { makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

const RUNS = Number(process.env.FAULT_RUNS ?? 30);

describe.runIf(isRoot && installed('cc'))('faults (needs root and a C compiler)', () => {
  let domain: VirtualDomain;
  let scratch: string;
  let library: string;
  let orders: FaultOrders;
  /** How often each command makes each call. */
  const counts = new Map<TableCommand, CallCounts>();

  beforeAll(async () => {
    domain = await makeVirtualDomain('vmailmgr-fault-');
    scratch = mkdtempSync(join(tmpdir(), 'vmailmgr-fault-shim-'));
    execFileSync('chmod', ['755', scratch]);
    library = compileShim(scratch);
    orders = new FaultOrders(join(scratch, 'orders'), domain.home);
    expect((await domain.tool('vaddusers', ['--hashed'], 'joe * info\nanne *\n')).code).toBe(0);
    for (const name of ['joe', 'anne']) write(`users/${name}/new/1.1.host`, `mail of ${name}`);
    for (const text of BULLETINS) write(`bulletins/${text}`, text);
    mkdirSync(inHome('.vmailmgr'));
    execFileSync('chown', ['-R', `${domain.uid}:${domain.gid}`, domain.home]);
    execFileSync('cp', ['-a', domain.home, join(scratch, 'home')]);
    for (const command of COMMANDS) await learn(command);
  });
  afterAll(() => {
    orders.close();
    domain.remove();
    rmSync(scratch, { recursive: true });
  });

  const inHome = (path: string) => join(domain.home, path);
  const write = (path: string, content: string | Buffer) =>
    domain.write(inHome(path), Buffer.from(content as string, 'latin1').toString('latin1'));

  /** A run without a fault. */
  async function learn(command: TableCommand): Promise<void> {
    restore(command);
    expect(command.done(homeNow()), command.name).toBe(false);
    const from = orders.now;
    expect((await runUnder(command)).code, command.name).toBe(0);
    const seen = countCalls(orders.since(from));
    expect(seen.get('fsync'), command.name).toBeGreaterThan(0);
    expect(command.done(homeNow()), command.name).toBe(true);
    counts.set(command, seen);
  }

  function restore({ before = {} }: TableCommand): void {
    rmSync(domain.home, { recursive: true });
    execFileSync('cp', ['-a', join(scratch, 'home'), domain.home]);
    for (const [path, content] of Object.entries(before)) {
      if (content === undefined) rmSync(inHome(path));
      else write(path, content);
    }
  }

  const runUnder = (command: TableCommand, shim = orders.environment(library)) =>
    run(join(DIST, command.name), command.args, {
      env: { ...domain.env, ...command.env, ...shim },
      uid: domain.uid,
      gid: domain.gid,
      cwd: domain.home,
      input: command.input ?? '',
    });

  /** Throws for a damaged table. */
  function homeNow(): Home {
    return { users: usersNow(), read, list };
  }

  function usersNow(): ReadonlyMap<string, VirtualUser> {
    const table = openTable(inHome('passwd.cdb'));
    try {
      return new Map(table.users());
    } finally {
      table.close();
    }
  }

  const read = (path: string) =>
    existsSync(inHome(path)) ? readFileSync(inHome(path), 'latin1') : undefined;
  const list = (path: string) => (existsSync(inHome(path)) ? readdirSync(inHome(path)).sort() : []);

  test(`${RUNS} drawn with seed ${SEED}`, {
    timeout: Math.max(600_000, RUNS * 10_000),
  }, async () => {
    const random = generator(SEED);
    let fired = 0;
    for (let i = 0; i < RUNS; i++) {
      // In turn, so that few runs have all of them.
      const command = COMMANDS[(SEED + i) % COMMANDS.length] as TableCommand;
      const calls = counts.get(command) as CallCounts;
      const order = orderAmong(command.name, calls, DISK_ERRORS, random);
      if (await survives(command, order)) fired++;
    }
    console.log(`vmailmgr fault test: SEED=${SEED}, ${fired} of ${RUNS} faults were met`);
    expect(fired, `seed ${SEED}`).toBeGreaterThan(RUNS / 2);
  });

  /** True when the fault was met. */
  async function survives(command: TableCommand, order: Order): Promise<boolean> {
    const what = `seed ${SEED}: ${command.name}, ${JSON.stringify(order)}`;
    restore(command);
    const before = usersNow();
    orders.arm(0, order);
    const { code } = await runUnder(command);
    const fired = orders.lift(0);
    const after = homeNow();
    const done = command.done(after);
    if (code === 0) expect(done, what).toBe(true);
    if (!done && command.partly !== true) expect([...after.users], what).toEqual([...before]);
    isSound(command, after, what);
    const again = await runUnder(command, {});
    // What is done already may be refused, and then the table is not asked for: so ask for it. A lock that nobody
    // holds would make that fail.
    if (again.code !== 0)
      expect(await domain.tool('vchattr', ['-c', '5', 'anne']), what).toMatchObject({ code: 0 });
    const atLast = homeNow();
    expect(command.done(atLast), `${what}, once more: ${again.err}`).toBe(true);
    isSound(command, atLast, what);
    expect(list('.').filter((name) => /^passwd.*\.(tmp|new|stale)$/.test(name))).toEqual([]);
    return fired;
  }

  function isSound(command: TableCommand, home: Home, what: string): void {
    expect(command.sound?.(home) ?? true, what).toBe(true);
    expect(mailOf('anne', home), what).toBe('mail of anne');
    const joe = home.users.get('joe')?.hasMailbox === false ? 'joseph' : 'joe';
    if (command.name !== 'vdeluser' || home.users.has(joe))
      expect(mailOf(joe, home), what).toBe('mail of joe');
    for (const [name, { hasMailbox, directory }] of home.users)
      if (hasMailbox) expect(existsSync(inHome(`${directory}/new`)), `${what}: ${name}`).toBe(true);
  }

  /** While there is no table yet, the directories are where the old one has them. */
  const mailOf = (name: string, { users }: Home) =>
    read(`${users.get(name)?.directory ?? `users/${name}`}/new/1.1.host`);
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
