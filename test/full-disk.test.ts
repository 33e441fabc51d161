// Mail from an account on this host while the queue's disk is full: what qmail-inject and sendmail say, by either way
// into the queue, and that nothing stays there by half.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeQueueTree } from '@q/queue-files';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { killQuietly, until } from './lib/processes.ts';
import { TestQueue } from './lib/queue.ts';
import { installed, isRoot, type Ran, run } from './lib/run.ts';

/** Somebody who has no rights on the queue. */
const CALLER = { uid: 54_322, gid: 54_322 };
const DISK = 1 << 20;
const HEADER = 'Subject: x\nTo: ann@example.test\n\n';

const NO_ROOM = 'qmail-inject: fatal: qq write error or disk full (#4.3.0)\n';
const NO_FILES = 'qmail-inject: fatal: qq trouble creating files in queue (#4.3.0)\n';

describe.runIf(isRoot && installed('mount'))('a full disk (needs root: mounts a tmpfs)', () => {
  let queue: TestQueue;
  let disk: string;
  let server: ChildProcess | undefined;

  beforeAll(() => {
    queue = new TestQueue();
    disk = join(queue.home, 'queue');
    const { uid, gid } = queue;
    const options = `size=${DISK},nr_inodes=400,uid=${uid},gid=${gid},mode=755`;
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]).status).toBe(0);
    const ids = { single: false, qmailq: uid, qmailr: uid, qmails: uid, qmail: gid };
    makeQueueTree(queue.home, ids);
  });
  afterAll(async () => {
    if (server?.pid !== undefined) killQuietly(server.pid, 'SIGKILL');
    await until('the disk can be unmounted', () => spawnSync('umount', [disk]).status === 0);
    queue.remove();
  });

  /** The resident qmail-queue, and no other way than its socket. */
  async function serve(): Promise<void> {
    const socket = join(queue.home, 'run/queue.socket');
    const { uid, gid, env } = queue;
    const child = spawn(join(DIST, 'qmail-queue'), ['--listen', `unix:${socket}`], {
      ...{ uid, gid, env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    server = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
    });
    await until('the queue is served', () => said.includes('listening on '));
    unlinkSync(join(queue.home, 'bin/qmail-queue'));
  }

  function send(program: string, args: readonly string[], input: string): Promise<Ran> {
    const as = server === undefined ? { uid: queue.uid, gid: queue.gid } : CALLER;
    const env = { ...queue.env, USER: 'carol' };
    return run(join(DIST, program), args, { input, env, cwd: '/', ...as });
  }

  /** Every file of a message, in any state. */
  function queued(): string[] {
    const names = readdirSync(disk, { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => /^(?:pid|mess|intd|todo|info|local|remote|bounce)\//.test(name))
      .filter((name) => statSync(join(disk, name), { throwIfNoEntry: false })?.isFile())
      .sort();
  }

  /** A server may answer before it has cleared up. */
  async function nothingQueued(): Promise<void> {
    await until('nothing is left in the queue', () => queued().length === 0);
  }

  describe.each(['qmail-queue itself', 'the queue socket'])('%s', (way) => {
    beforeAll(async () => {
      if (way === 'the queue socket') await serve();
    });

    test.each([
      ['qmail-inject', []],
      ['sendmail', ['-t', '-i']],
    ])(
      '%s %j ends with 111, whatever there is no room for, and all is well when there is room',
      async (program, args) => {
        const refused = { code: 111, out: Buffer.alloc(0) };
        const body = `${'0123456789'.repeat(7)}\n`.repeat(DISK / 50);
        expect(await send(program, args, HEADER + body)).toEqual({ ...refused, err: NO_ROOM });
        await nothingQueued();

        // The message, but not its envelope.
        const list = Array.from({ length: 3000 }, (_, i) => `Bcc: box-${i}@example.test\n`);
        const fill = join(disk, 'fill');
        leave(fill, 16_384);
        expect(await send(program, args, list.join('') + HEADER)).toEqual({
          ...refused,
          err: NO_ROOM,
        });
        rmSync(fill);
        await nothingQueued();

        const files = takeAllFiles(disk);
        expect(await send(program, args, HEADER)).toEqual({ ...refused, err: NO_FILES });
        for (const file of files) rmSync(file);
        await nothingQueued();

        expect(await send(program, args, `${HEADER}body\n`)).toMatchObject({ code: 0, err: '' });
        const names = queued();
        expect(names.map((name) => name.split('/')[0])).toEqual(['intd', 'mess', 'todo']);
        for (const name of names) rmSync(join(disk, name));
      },
    );
  });
});

/** Fills the disk but for so many bytes. */
function leave(file: string, bytes: number): void {
  const fd = openSync(file, 'w');
  let size = 0;
  try {
    for (const zeros = Buffer.alloc(65_536); ; ) size += writeSync(fd, zeros);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
    ftruncateSync(fd, size - bytes);
  } finally {
    closeSync(fd);
  }
}

/** Makes empty files until there can be no more. */
function takeAllFiles(dir: string): string[] {
  for (const files: string[] = []; ; ) {
    const file = join(dir, `fill.${files.length}`);
    try {
      writeFileSync(file, '', { flag: 'wx' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
      return files;
    }
    files.push(file);
  }
}
