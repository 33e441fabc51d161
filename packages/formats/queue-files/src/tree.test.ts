import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Permanent } from '@q/fault';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeQueueTree, queueTree } from './index.ts';

const root = process.getuid?.() === 0;
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const single = { single: true, qmailq: own.uid, qmailr: own.uid, qmails: own.uid, qmail: own.gid };
const several = { single: false, qmailq: 60_001, qmailr: 60_002, qmails: 60_003, qmail: 60_004 };

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'queue-tree-'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** "uid:gid mode" of each entry, as it is on disk. */
function onDisk(): Record<string, string> {
  return Object.fromEntries(
    queueTree().map(({ path, kind }) => {
      const stats = lstatSync(join(home, path));
      const is = stats.isDirectory() ? 'directory' : stats.isFIFO() ? 'fifo' : 'file';
      expect(is).toBe(kind);
      return [path, `${stats.uid}:${stats.gid} ${(stats.mode & 0o7777).toString(8)}`];
    }),
  );
}

test('a private instance gets the whole queue under its one uid, whatever the umask', () => {
  const before = process.umask(0o077);
  try {
    makeQueueTree(home, single);
  } finally {
    process.umask(before);
  }
  const found = onDisk();
  for (const entry of queueTree()) {
    expect(found[entry.path]).toBe(`${own.uid}:${own.gid} ${entry.mode.toString(8)}`);
  }
  expect(readdirSync(join(home, 'queue')).sort()).toEqual([
    'bounce',
    'info',
    'intd',
    'local',
    'lock',
    'mess',
    'pid',
    'remote',
    'todo',
  ]);
  expect(readdirSync(join(home, 'queue/mess'))).toHaveLength(23);
  expect(readFileSync(join(home, 'queue/lock/tcpto'))).toEqual(Buffer.alloc(1024));
  expect(statSync(join(home, 'queue/lock/sendmutex')).size).toBe(0);
});

test('a second run changes nothing but what is wrong', () => {
  makeQueueTree(home, single);
  const right = onDisk();
  const message = join(home, 'queue/mess/1/24');
  writeFileSync(message, 'mail');
  writeFileSync(join(home, 'queue/lock/tcpto'), Buffer.alloc(1024, 7));
  makeQueueTree(home, single);
  expect(onDisk()).toEqual(right);
  chmodSync(join(home, 'queue/todo'), 0o777);
  chmodSync(join(home, 'queue/lock/trigger'), 0o600);
  unlinkSync(join(home, 'queue/lock/sendmutex'));
  makeQueueTree(home, single);
  expect(onDisk()).toEqual(right);
  expect(readFileSync(message, 'latin1')).toBe('mail');
  expect(readFileSync(join(home, 'queue/lock/tcpto'))).toEqual(Buffer.alloc(1024, 7));
});

test('a tcpto table that is too short is filled up', () => {
  makeQueueTree(home, single);
  writeFileSync(join(home, 'queue/lock/tcpto'), 'x');
  makeQueueTree(home, single);
  expect(readFileSync(join(home, 'queue/lock/tcpto'))).toEqual(
    Buffer.concat([Buffer.from('x'), Buffer.alloc(1023)]),
  );
});

test('a link or a file in the place of a directory is refused, and what it points to is not touched', () => {
  const elsewhere = join(home, 'elsewhere');
  mkdirSync(elsewhere, 0o755);
  symlinkSync(elsewhere, join(home, 'queue'));
  expect(() => makeQueueTree(home, single)).toThrow(Permanent);
  expect(readdirSync(elsewhere)).toEqual([]);
  expect(statSync(elsewhere).mode & 0o777).toBe(0o755);
  unlinkSync(join(home, 'queue'));
  writeFileSync(join(home, 'queue'), '');
  expect(() => makeQueueTree(home, single)).toThrow(`unable to create ${join(home, 'queue')}`);
});

test('a file with a second name, a file in the place of the trigger, a FIFO in the place of a file: all refused', () => {
  makeQueueTree(home, single);
  const secret = join(home, 'secret');
  writeFileSync(secret, 'x', { mode: 0o600 });
  const lock = (name: string) => join(home, 'queue/lock', name);
  unlinkSync(lock('tcpto'));
  linkSync(secret, lock('tcpto'));
  expect(() => makeQueueTree(home, single)).toThrow('has several links');
  expect(statSync(secret).mode & 0o777).toBe(0o600);
  expect(readFileSync(secret, 'latin1')).toBe('x');
  unlinkSync(lock('tcpto'));
  unlinkSync(lock('trigger'));
  writeFileSync(lock('trigger'), '');
  expect(() => makeQueueTree(home, single)).toThrow('is not a fifo');
  unlinkSync(lock('trigger'));
  unlinkSync(lock('sendmutex'));
  execFileSync('mkfifo', [lock('sendmutex')]);
  expect(() => makeQueueTree(home, single)).toThrow('is not a file');
});

test('without a home there is no queue', () => {
  expect(() => makeQueueTree(join(home, 'missing'), single)).toThrow('no such file or directory');
});

test.runIf(root)(
  'as root, each entry belongs to its user, and a wrong owner is put right (needs root to chown)',
  () => {
    makeQueueTree(home, single);
    makeQueueTree(home, several);
    const found = onDisk();
    for (const { path, owner, mode } of queueTree()) {
      expect(found[path]).toBe(`${several[owner]}:60004 ${mode.toString(8)}`);
    }
    expect(found['queue/bounce']).toBe('60003:60004 700');
    expect(found['queue/mess/22']).toBe('60001:60004 750');
    expect(found['queue/lock/tcpto']).toBe('60002:60004 644');
    expect(found['queue/lock/trigger']).toBe('60003:60004 622');
    expect(found.run).toBe('60001:60004 755');
  },
);
