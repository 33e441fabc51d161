import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, Temporary } from '@q/fault';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deliverToMaildir, MaildirFault, makeMaildir } from './index.ts';

const root = process.getuid?.() === 0;

let dir: string;
let maildir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'deliver-'));
  maildir = join(dir, 'Maildir');
  await makeMaildir(maildir);
});
afterEach(() => rmSync(dir, { recursive: true }));

const list = (name: 'tmp' | 'new' | 'cur') => readdirSync(join(maildir, name));
const systemError = (code: string) => Object.assign(new Error(code), { code });
const message = [Buffer.from('Return-Path: <>\n'), Buffer.from('\nhello\n')];

async function faultOfDelivery(delivery: Promise<unknown>): Promise<MaildirFault> {
  try {
    await delivery;
  } catch (error) {
    expect(error).toBeInstanceOf(MaildirFault);
    expect(error).toBeInstanceOf(Temporary);
    return error as MaildirFault;
  }
  return expect.fail('it was delivered');
}

test('a message is in new under the name given, private, and tmp is empty', async () => {
  const { name } = await deliverToMaildir(maildir, message, { pid: 7, host: 'h' });
  expect(list('new')).toEqual([name]);
  expect(name).toMatch(/^[0-9]+\.7(_[0-9]+)?\.h$/);
  expect(list('tmp')).toEqual([]);
  const file = join(maildir, 'new', name);
  expect(readFileSync(file, 'latin1')).toBe('Return-Path: <>\n\nhello\n');
  expect(statSync(file)).toMatchObject({ nlink: 1, mode: 0o100600 });
});

test('every byte arrives, whatever the parts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 })), async (parts) => {
      async function* source() {
        const reused = Buffer.alloc(300);
        for (const part of parts) {
          reused.fill(0xee).set(part);
          yield reused.subarray(0, part.length);
        }
      }
      const { name } = await deliverToMaildir(maildir, source());
      expect(readFileSync(join(maildir, 'new', name)).equals(Buffer.concat(parts))).toBe(true);
    }),
    { numRuns: 30 },
  );
  const large = Buffer.alloc(1_000_000, 'x');
  const parts = [large.subarray(0, 65_535), large.subarray(65_535, 65_537), large.subarray(65_537)];
  const { name } = await deliverToMaildir(maildir, parts);
  expect(readFileSync(join(maildir, 'new', name)).equals(large)).toBe(true);
});

test('a hundred deliveries at once in one process do not meet', async () => {
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, i) => deliverToMaildir(maildir, [Buffer.from(`${i}`)])),
  );
  expect(new Set(all.map(({ name }) => name)).size).toBe(100);
  all.forEach(({ name }, i) => {
    expect(readFileSync(join(maildir, 'new', name), 'latin1')).toBe(`${i}`);
  });
});

test('the order on disk: written, synced, closed, linked, tmp unlinked, directory synced', async () => {
  const steps: string[] = [];
  const fsx = await import('@q/fsx');
  const spy =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      steps.push(name);
      return await call(...args);
    };
  await deliverToMaildir(maildir, message, {
    files: {
      createExclusive: spy('create', fsx.createExclusive),
      writeFully: spy('write', fsx.writeFully),
      fsyncFd: spy('fsync', fsx.fsyncFd),
      linkFile: spy('link', fsx.linkFile),
      closeFd: spy('close', fsx.closeFd),
      unlinkIfThere: spy('unlink', fsx.unlinkIfThere),
      fsyncDir: spy('fsync directory', fsx.fsyncDir),
    },
  });
  expect(steps).toEqual(['create', 'write', 'fsync', 'close', 'link', 'unlink', 'fsync directory']);
});

test('a name that is taken in tmp is left alone and another one found', async () => {
  const seams = { now: () => 4_200_000_000, pid: 7, host: 'h' };
  writeFileSync(join(maildir, 'tmp/4200000000.7.h'), 'other');
  symlinkSync('nowhere', join(maildir, 'tmp/4200000000.7_2.h'));
  const { name } = await deliverToMaildir(maildir, message, seams);
  expect(name).toBe('4200000000.7_3.h');
  expect(readFileSync(join(maildir, 'tmp/4200000000.7.h'), 'latin1')).toBe('other');
  expect(list('new')).toEqual([name]);
});

test('a name that is taken in new is left alone, even by a link to nowhere', async () => {
  const seams = { now: () => 4_300_000_000, pid: 7, host: 'h' };
  writeFileSync(join(maildir, 'new/4300000000.7.h'), 'other');
  const { name } = await deliverToMaildir(maildir, message, seams);
  expect(name).toBe('4300000000.7_2.h');
  expect(readFileSync(join(maildir, 'new/4300000000.7.h'), 'latin1')).toBe('other');
  expect(list('tmp')).toEqual([]);
});

test('a directory full of guessed names ends the delivery after some tries', async () => {
  const fault = await faultOfDelivery(
    deliverToMaildir(maildir, message, {
      files: { createExclusive: () => Promise.reject(systemError('EEXIST')) },
    }),
  );
  expect(fault.kind).toBe('write');
});

test.each(['EEXIST', 'EIO', 'ESTALE'])(
  'a link that was done although it was reported as %s is a delivery, and the only one',
  async (code) => {
    const { name } = await deliverToMaildir(maildir, message, {
      files: {
        linkFile: (from, to) => {
          linkSync(from, to);
          throw systemError(code);
        },
      },
    });
    expect(list('new')).toEqual([name]);
    expect(list('tmp')).toEqual([]);
  },
);

test.each(['createExclusive', 'writeFully', 'fsyncFd', 'linkFile', 'closeFd', 'fsyncDir'] as const)(
  'if %s fails the message is neither in tmp nor in new',
  async (step) => {
    const fsx = await import('@q/fsx');
    const fault = await faultOfDelivery(
      deliverToMaildir(maildir, message, {
        files: {
          [step]: async (...args: never[]) => {
            if (step === 'closeFd') await fsx.closeFd(args[0] as unknown as number);
            throw systemError('ENOSPC');
          },
        },
      }),
    );
    expect(fault.kind).toBe('write');
    expect(fault.message).toBe('Temporary error on maildir delivery. (#4.3.0)');
    expect(errnoOf(fault.cause)).toBe('ENOSPC');
    expect(list('tmp')).toEqual([]);
    expect(list('new')).toEqual([]);
  },
);

test('a message that cannot be read to its end is not delivered', async () => {
  async function* source() {
    yield Buffer.alloc(100_000);
    throw systemError('EIO');
  }
  const fault = await faultOfDelivery(deliverToMaildir(maildir, source()));
  expect(fault).toMatchObject({ kind: 'read', message: 'Unable to read message. (#4.3.0)' });
  expect(list('tmp').concat(list('new'))).toEqual([]);
});

test('a source that hangs is given up, told so, and leaves nothing', async () => {
  let returned = false;
  const hanging: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => {
        returned = true;
        return new Promise(() => {});
      },
    }),
  };
  const fault = await faultOfDelivery(deliverToMaildir(maildir, hanging, { timeoutSeconds: 0.05 }));
  expect(fault).toMatchObject({
    kind: 'timeout',
    message: 'Timeout on maildir delivery. (#4.3.0)',
  });
  expect(returned).toBe(true);
  expect(list('tmp').concat(list('new'))).toEqual([]);
});

test('a source that never ends is given up too', async () => {
  function* endless() {
    for (;;) yield Buffer.from('x');
  }
  const fault = await faultOfDelivery(
    deliverToMaildir(maildir, endless(), { timeoutSeconds: 0.05 }),
  );
  expect(fault.kind).toBe('timeout');
  expect(list('tmp').concat(list('new'))).toEqual([]);
});

test('no maildir, or a file in its place, is "unable to chdir"; one without tmp is an error of its own', async () => {
  for (const path of [join(dir, 'missing'), join(dir, 'file')]) {
    writeFileSync(join(dir, 'file'), '');
    const fault = await faultOfDelivery(deliverToMaildir(path, message));
    expect(fault).toMatchObject({ kind: 'chdir', message: 'Unable to chdir to maildir. (#4.2.1)' });
  }
  mkdirSync(join(dir, 'empty'));
  expect((await faultOfDelivery(deliverToMaildir(join(dir, 'empty'), message))).kind).toBe('write');
});

test('a maildir name of any bytes works', async () => {
  const odd = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from('caf\xe9 \n', 'latin1')]);
  await makeMaildir(odd);
  const { name } = await deliverToMaildir(odd, message);
  expect(readdirSync(Buffer.concat([odd, Buffer.from('/new')]))).toEqual([name]);
});

test('a maildir that may not be entered is "unable to chdir"', async () => {
  chmodSync(maildir, 0o600);
  // Root may enter everything, so for a moment the whole process is nobody.
  if (root) process.seteuid?.(65_534);
  try {
    const fault = await faultOfDelivery(deliverToMaildir(maildir, message));
    expect(fault.kind).toBe('chdir');
  } finally {
    if (root) process.seteuid?.(0);
    chmodSync(maildir, 0o700);
  }
});

test.runIf(root)('a full disk leaves no debris (needs root to mount one)', async ({ skip }) => {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', maildir]);
  if (mounted.status !== 0) skip('this host does not let root mount');
  try {
    for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(maildir, name));
    const fault = await faultOfDelivery(deliverToMaildir(maildir, [Buffer.alloc(1_000_000)]));
    expect(fault.kind).toBe('write');
    expect(errnoOf(fault.cause)).toBe('ENOSPC');
    expect(list('tmp').concat(list('new'))).toEqual([]);
    await deliverToMaildir(maildir, message);
    expect(list('new')).toHaveLength(1);
  } finally {
    spawnSync('umount', [maildir]);
  }
});
