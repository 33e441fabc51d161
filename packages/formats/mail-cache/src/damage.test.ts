import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccountCacheOptions } from './account-cache.ts';
import { LOOK_AGAIN, UNCLEAN_MAX } from './limits.ts';
import { bundleChild } from './testing/bundle-child.ts';
import { filledFolder, useAll } from './testing/filled-folder.ts';
import { TestCaches } from './testing/test-caches.ts';

const run = promisify(execFile);

let opened: TestCaches;
let root: string;
let lines: string[];

beforeEach(() => {
  opened = new TestCaches();
  ({ root, lines } = opened);
});

afterEach(() => opened.remove());

const openCache = (options?: Partial<AccountCacheOptions>) => opened.open(options);

const host = () => join(root, 'mailcache/h');
const caches = () => readdirSync(host());
const data = () => join(host(), caches()[0] as string, 'data.mdb');

describe('a file that is not ours to trust', () => {
  const damages: readonly (readonly [string, (path: string) => void])[] = [
    ['foreign', (path) => writeFileSync(path, 'no database\n'.repeat(1000))],
    ['empty but for a few bytes', (path) => truncateSync(path, 100)],
    [
      'of another version',
      (path) => replaceIn(path, 'qmail-ts mail cache 1', 'qmail-ts mail cache 0'),
    ],
  ];
  for (const [what, damage] of damages) {
    test(`${what}: made anew, with a line in the log`, async () => {
      const folder = filledFolder(root);
      const first = openCache();
      await useAll(first, folder);
      await first.close();
      const before = caches();
      damage(data());
      await useAll(openCache(), folder);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^cache: .*: made anew$/);
      expect(caches()).not.toEqual(before);
      expect(caches()).toHaveLength(1);
    });
  }

  test('empty: it is filled', async () => {
    const folder = filledFolder(root);
    const first = openCache();
    await useAll(first, folder);
    await first.close();
    truncateSync(data(), 0);
    await useAll(openCache(), folder);
    expect(lines).toEqual([]);
  });

  const isRoot = process.getuid?.() === 0;
  test('a directory others may write to is not used', async () => {
    const folder = filledFolder(root);
    mkdirSync(join(root, 'mailcache'));
    chmodSync(join(root, 'mailcache'), 0o777);
    await useAll(openCache(), folder);
    expect(lines).toEqual(['cache: it is not ours alone: going on without']);
    expect(readdirSync(join(root, 'mailcache'))).toEqual([]);
  });

  test.runIf(isRoot)(
    'a directory of another user is not used (needs root to make one)',
    async () => {
      const folder = filledFolder(root);
      mkdirSync(join(root, 'mailcache'), { mode: 0o700 });
      chownSync(join(root, 'mailcache'), 12_345, 12_345);
      await useAll(openCache(), folder);
      expect(lines).toEqual(['cache: it is not ours alone: going on without']);
    },
  );
});

describe('records that were changed on disk', () => {
  test('are never shown, whatever bytes are', async () => {
    const folder = filledFolder(root);
    const child = await bundleChild(root);
    const bytes = async () => readFileSync(data());
    await run(process.execPath, [child, root, 'reads']);
    const sound = await bytes();
    // A reader that is killed by what it reads is part of the bargain; that it never ends is not.
    for (let seed = 1; seed <= 3; seed++) {
      const damaged = Buffer.from(sound);
      for (let i = 0; i < 40; i++) {
        const at = (seed * 7919 + i * 104_729 * seed) % damaged.length;
        damaged[at] = (damaged[at] as number) ^ (1 << (i % 8));
      }
      writeFileSync(data(), damaged);
      let said = '';
      for (let tries = 0; tries <= UNCLEAN_MAX && !said.includes('ok'); tries++) {
        said = await run(process.execPath, [child, root, 'reads']).then(
          ({ stdout }) => stdout,
          (error: { stdout: string }) => error.stdout,
        );
        expect(said).not.toContain('WRONG');
      }
      expect(said).toContain('ok');
      expect(folder.messages).toHaveLength(300);
    }
  });

  test('a file that was cut off kills no reader', async () => {
    filledFolder(root);
    const child = await bundleChild(root);
    await run(process.execPath, [child, root, 'reads']);
    truncateSync(data(), Math.floor(statSync(data()).size / 2 / 4096) * 4096);
    const { stdout } = await run(process.execPath, [child, root, 'reads']);
    expect(stdout).toContain('ok');
    expect(stdout).not.toContain('WRONG');
  });
});

describe('ends of processes', () => {
  test('killed while writing, again and again: the next finds everything right', async () => {
    filledFolder(root);
    const child = await bundleChild(root);
    for (let i = 0; i < UNCLEAN_MAX; i++) {
      const [one, two] = [start(child), start(child)];
      await Promise.all([one, two].map((each) => rounds(each, 2)));
      await Promise.all([one, two].map(kill));
      const { stdout } = await run(process.execPath, [child, root, 'reads']);
      expect(stdout).toContain('ok');
      expect(stdout).not.toContain('WRONG');
    }
  });

  test('one killed while writing does not hold up another', async () => {
    filledFolder(root);
    const child = await bundleChild(root);
    const [one, two] = [start(child), start(child)];
    try {
      await rounds(one, 1);
      await kill(one);
      await rounds(two, 3);
    } finally {
      await Promise.all([one, two].map(kill));
    }
  });

  test('several that did not close it make it suspect, as if it had killed them', async () => {
    const folder = filledFolder(root);
    const first = openCache();
    await useAll(first, folder);
    await first.close();
    const before = caches();
    for (let i = 0; i < UNCLEAN_MAX; i++)
      writeFileSync(join(host(), before[0] as string, `in-use.${4_194_305 + i}`), bootId());
    await useAll(openCache(), folder);
    expect(lines).toEqual([`cache: ${UNCLEAN_MAX} processes ended without closing it`]);
    expect(caches()).not.toEqual(before);
  });

  test('a host that went down while it was open makes it suspect: not all of it may be on disk', async () => {
    const folder = filledFolder(root);
    const first = openCache();
    await useAll(first, folder);
    await first.close();
    const before = caches();
    writeFileSync(join(host(), before[0] as string, 'in-use.4194305'), 'another-boot');
    await useAll(openCache(), folder);
    expect(lines).toEqual(['cache: it was open when the host went down']);
    expect(caches()).not.toEqual(before);
  });

  const start = (child: string) =>
    spawn(process.execPath, [child, root, 'writes'], { stdio: ['ignore', 'pipe', 'inherit'] });

  /** Until it has said so many rounds, which it goes on to do. */
  function rounds(child: ChildProcess, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('WRONG')) reject(new Error(said));
        if (said.length >= count) resolve();
      });
      child.once('exit', () => reject(new Error(`it ended by itself: ${said}`)));
    });
  }

  async function kill(child: ChildProcess): Promise<void> {
    const exited = child.exitCode !== null || child.signalCode !== null;
    const exit = exited ? undefined : once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
});

describe('while it is open', () => {
  test('it may be removed: nothing is lost but speed, and soon there is another', async () => {
    let now = Date.now();
    const folder = filledFolder(root);
    const cache = openCache({ now: () => now });
    await useAll(cache, folder);
    rmSync(join(root, 'mailcache'), { recursive: true });
    await useAll(cache, folder);
    now += 2 * LOOK_AGAIN;
    await useAll(cache, folder);
    await cache.close();
    expect(existsSync(data())).toBe(true);
    expect(lines).toEqual([]);
  });

  test('it may be replaced by another process: the newer one is used from then on', async () => {
    let now = Date.now();
    const folder = filledFolder(root);
    const cache = openCache({ now: () => now });
    await useAll(cache, folder);
    const newer = join(host(), 'cache.99999999999999');
    mkdirSync(newer, { mode: 0o700 });
    now += 2 * LOOK_AGAIN;
    const { modseq } = cache.changes('box').note(folder.messages, []);
    await cache.close();
    expect(openCache().changes('box').highest).toBe(modseq);
    expect(existsSync(join(newer, 'data.mdb'))).toBe(true);
  });

  test('mod-sequences rise also over its loss', async () => {
    let now = Date.now();
    const folder = filledFolder(root);
    const cache = openCache({ now: () => now });
    const first = cache.changes('box').note(folder.messages, []).modseq;
    rmSync(join(root, 'mailcache'), { recursive: true });
    now += 2 * LOOK_AGAIN;
    expect(cache.changes('box').highest).toBeGreaterThanOrEqual(first);
    expect(cache.changes('box').note(folder.messages, []).modseq).toBeGreaterThan(first);
  });
});

function replaceIn(path: string, from: string, to: string): void {
  const bytes = readFileSync(path);
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at);
  const fresh = `${path}.new`;
  writeFileSync(fresh, bytes);
  renameSync(fresh, path);
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}
