// qmail-lspawn with warm workers: who makes which delivery, and what a worker that hangs, dies or has seen
// a huge message means for the others.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { SpawnerProcess } from '@q/spawn/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  childrenOf,
  FORMS,
  isAlive,
  killQuietly,
  LspawnHost,
  peakOf,
  until,
} from './testing/lspawn-host.ts';
import { MESSAGE } from './testing/recipient.ts';

const CRASHED = 'Zqmail-local crashed.\n';

let host: LspawnHost;

beforeAll(async () => {
  host = await LspawnHost.make('qmail-lspawn', 'qmail-local');
});
afterAll(() => host.remove());
beforeEach(() => {
  host.emptyHome();
  host.write('.qmail-pid', '|echo $PPID\n');
});
afterEach(() => host.killAll());

/** The qmail-local that makes a delivery. */
async function workerOf(lspawn: SpawnerProcess): Promise<number> {
  return Number(/^K(\d+)\n/.exec(await host.deliver(lspawn, 'pid'))?.[1]);
}

describe('one user', () => {
  test('the same qmail-local makes one delivery after the other', async () => {
    const lspawn = host.start();
    const first = await workerOf(lspawn);
    expect(await workerOf(lspawn)).toBe(first);
    expect(await host.deliver(lspawn)).toBe('Kdid 1+0+0\n');
    expect(await lspawn.end()).toBe(0);
    await until(() => !isAlive(first));
  });

  test('with control/localworkers 0 each delivery has a process of its own', async () => {
    const lspawn = host.start(0);
    const first = await workerOf(lspawn);
    expect(isAlive(first)).toBe(false);
    expect(await workerOf(lspawn)).not.toBe(first);
    expect(await lspawn.end()).toBe(0);
  });

  test('home and .qmail are looked at afresh each time', async () => {
    const lspawn = host.start();
    const pid = await workerOf(lspawn);
    chmodSync(host.home, 0o1755);
    expect(await host.deliver(lspawn)).toMatch(/^ZHome directory is sticky/);
    chmodSync(host.home, 0o757);
    expect(await host.deliver(lspawn)).toMatch(/^ZUh-oh: home directory is writable/);
    host.emptyHome();
    host.write('.qmail', './other\n');
    expect(await host.deliver(lspawn)).toBe('Kdid 1+0+0\n');
    chmodSync(join(host.home, '.qmail'), 0o646);
    expect(await host.deliver(lspawn)).toMatch(/^ZUh-oh: .qmail file is writable/);
    rmSync(host.home, { recursive: true });
    expect(await host.deliver(lspawn)).toMatch(/^ZUnable to switch to/);
    host.emptyHome();
    host.write('.qmail-pid', '|echo $PPID\n');
    expect(await workerOf(lspawn)).toBe(pid);
  });

  test('a program finds nothing of the delivery before it', async () => {
    host.write('.qmail-a-default', '|echo "$EXT $DEFAULT"; umask; pwd; echo /proc/self/fd/?\n');
    host.write('.qmail-b', '|echo "$EXT <$DEFAULT>"; umask; pwd; echo /proc/self/fd/?\n');
    const lspawn = host.start();
    const both = [await host.deliver(lspawn, 'a-x'), await host.deliver(lspawn, 'b')];
    const oneShot = host.start(0);
    expect(both).toEqual([await host.deliver(oneShot, 'a-x'), await host.deliver(oneShot, 'b')]);
    expect(both[1]).toMatch(/^Kb <>\n0077\n/);
  });
});

describe.each(FORMS)('the same in both forms: %s', (_, workers) => {
  test('a qmail-local that is killed in a delivery has crashed, and the next delivery is made', async () => {
    host.write('.qmail-die', '|kill -9 $PPID; echo said\n');
    const lspawn = host.start(workers);
    await workerOf(lspawn);
    expect(await host.deliver(lspawn, 'die')).toBe(CRASHED);
    expect(await host.deliver(lspawn)).toBe('Kdid 1+0+0\n');
  });

  test('output is cut, and what a program leaves behind still belongs to the report', async () => {
    host.write('.qmail-long', '|head -c 9000 /dev/zero | tr "\\0" x; exit 100\n');
    host.write('.qmail-late', '|(sleep 0.3; echo late) & echo soon\n');
    const lspawn = host.start(workers);
    const long = await host.deliver(lspawn, 'long');
    expect([long.length, long.slice(0, 3), long.slice(-30)]).toEqual([
      2998,
      'Dxx',
      'Error report too long, sorry.\n',
    ]);
    // Whether qmail-local or what was left behind says its line first, is theirs.
    const late = await host.deliver(lspawn, 'late');
    expect(late.split('\n').sort()).toEqual(['', 'Ksoon', 'did 0+0+1', 'late']);
  });

  test('a delivery goes on when qmail-lspawn is killed, and nobody stays', async () => {
    host.write(
      '.qmail-slow',
      '|echo $PPID > pid; while ! [ -e go ]; do sleep 0.05; done\n./Done\n',
    );
    const lspawn = host.start(workers);
    lspawn.send(0, '7/53', '', 'joe-slow@example.org');
    await until(() => /\n/.test(textOf('pid')));
    lspawn.kill();
    host.write('go', '');
    await until(() => existsSync(join(host.home, 'Done')) && !isAlive(Number(textOf('pid'))));
    expect(textOf('Done')).toContain('First line\n>From the second\n\n');
  });

  test('a message of 200 MB passes in little memory', async () => {
    host.makeMaildir();
    host.write(
      '.qmail-big',
      './Maildir/\n./Mailbox\n|cat >/dev/null\n|echo $PPID; grep HWM /proc/$PPID/status\n',
    );
    const lspawn = host.start(workers);
    const hwm = (report: string) => Number(/VmHWM:\s+(\d+) kB/.exec(report)?.[1]) * 1024;
    const small = hwm(await host.deliver(lspawn, 'big'));
    const before = peakOf(lspawn.pid);
    const message = join(host.qmail, 'queue/mess/7/53');
    writeFileSync(message, 'Subject: big\n\n');
    execFileSync('sh', ['-c', `yes 'a line of some text' | head -c 200000000 >> '${message}'`]);
    try {
      const big = hwm(await host.deliver(lspawn, 'big'));
      expect(big - small).toBeLessThan(30e6);
      expect(peakOf(lspawn.pid) - before).toBeLessThan(30e6);
      expect(statSync(join(host.home, 'Mailbox')).size).toBeGreaterThan(200e6);
    } finally {
      truncateSync(message, 0);
      writeFileSync(message, MESSAGE);
    }
  });
});

test('a worker that is stopped holds its own delivery only', async () => {
  const lspawn = host.start();
  const stopped = await workerOf(lspawn);
  process.kill(stopped, 'SIGSTOP');
  lspawn.send(1, '7/53', '', 'joe-pid@example.org');
  const other = await workerOf(lspawn);
  expect(other).not.toBe(stopped);
  expect(await workerOf(lspawn)).toBe(other);
  process.kill(stopped, 'SIGCONT');
  await until(() => lspawn.seen.some(({ slot }) => slot === 1));
  expect(lspawn.seen.find(({ slot }) => slot === 1)?.text).toBe(`K${stopped}\ndid 0+0+1\n`);
});

test('more deliveries that hang than there may be workers hold nobody up', async () => {
  host.write('.qmail-slow', '|while ! [ -e go ]; do sleep 0.05; done\n');
  const lspawn = host.start();
  for (let slot = 1; slot <= 8; slot++) lspawn.send(slot, '7/53', '', 'joe-slow@example.org');
  expect(await host.deliver(lspawn)).toBe('Kdid 1+0+0\n');
  host.write('go', '');
  for (let slot = 1; slot <= 8; slot++) expect(await lspawn.report(slot)).toBe('Kdid 0+0+1\n');
  expect(await lspawn.end()).toBe(0);
});

test('kill -9 of workers at any moment loses no delivery that was reported as made', async () => {
  host.makeMaildir();
  host.write('.qmail', './Maildir/\n');
  const lspawn = host.start();
  let killing = true;
  let kills = 0;
  const killer = (async () => {
    while (killing) {
      const victims = childrenOf(lspawn.pid);
      const victim = victims[Math.floor(Math.random() * victims.length)];
      if (victim !== undefined) {
        kills++;
        killQuietly(victim);
      }
      await new Promise((done) => setTimeout(done, 20 + Math.random() * 200));
    }
  })();
  let made = 0;
  let crashed = 0;
  while (made < 300 || kills < 4) {
    lspawn.forget();
    for (let slot = 0; slot < 10; slot++)
      lspawn.send(slot, '7/53', `s${made + slot}@example.net`, 'joe@example.org');
    for (let slot = 0; slot < 10; slot++) {
      const report = await lspawn.report(slot);
      if (report === CRASHED) crashed++;
      else expect(report).toBe('Kdid 1+0+0\n');
    }
    made += 10;
  }
  killing = false;
  await killer;
  expect(await lspawn.end()).toBe(0);
  const delivered = readdirSync(join(host.home, 'Maildir/new')).length;
  console.log(`${kills} kills, ${crashed} deliveries crashed, ${delivered} copies of ${made}`);
  expect(delivered).toBeGreaterThanOrEqual(made - crashed);
});

function textOf(name: string): string {
  const path = join(host.home, name);
  return existsSync(path) ? readFileSync(path, 'latin1') : '';
}
