import { EventEmitter, once } from 'node:events';
import type * as Fs from 'node:fs';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { mkfifo } from '@q/posix';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  type Delivery,
  encodeDelivery,
  REFUSAL,
  type Report,
  ReportDecoder,
  runOnMessage,
  runSpawner,
} from './index.ts';

const failing = vi.hoisted(() => new Set<number>());

// close(2) on a disk that is failing: the descriptor is gone, and there was an error.
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const closeSync = (fd: number) => {
    fs.closeSync(fd);
    if (failing.delete(fd)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  return { ...fs, closeSync };
});

const own = process.getuid?.() ?? 0;
let mess: string;

beforeEach(() => {
  mess = mkdtempSync(join(tmpdir(), 'spawner-'));
  mkdirSync(join(mess, '5'));
  writeFileSync(join(mess, '5/28'), 'Subject: x\n\nbody\n');
});

afterEach(() => rmSync(mess, { recursive: true, force: true }));

/** A spawner with both pipes in our hands. */
function spawner(deliver: (delivery: Delivery) => Promise<string>, messageOwner = own) {
  const commands = new PassThrough();
  const reports = new PassThrough();
  const done = runSpawner({ commands, reports, messDir: mess, messageOwner, deliver });
  const seen: Report[] = [];
  const decoder = new ReportDecoder();
  let limit: number | undefined;
  reports.on('data', (chunk: Buffer) => {
    let rest = chunk;
    if (limit === undefined) {
      limit = chunk[0];
      rest = chunk.subarray(1);
    }
    decoder.push(rest, (report) => {
      seen.push(report);
      reports.emit('report');
    });
  });
  return {
    done,
    seen,
    limit: () => limit,
    end: () => commands.end(),
    breakReports: () => reports.destroy(new Error('EPIPE')),
    send: (slot: number, message = '5/28', recipient = 'a@b') =>
      commands.write(encodeDelivery({ slot, message, sender: 's@t', recipient })),
    async waitFor(count: number) {
      while (seen.length < count) await once(reports, 'report');
    },
  };
}

test('the limit byte comes first, and a delivery gets its addresses and the open message', async () => {
  const one = spawner(
    async ({ sender, recipient, messageFd }) =>
      `K${sender} ${recipient} ${readFileSync(messageFd, 'latin1').length}\n`,
  );
  one.send(3);
  one.end();
  await one.done;
  expect(one.limit()).toBe(120);
  expect(one.seen).toEqual([{ slot: 3, text: 'Ks@t a@b 17\n' }]);
});

test('a delivery that hangs holds its own slot only, and is waited for at the end', async () => {
  let release = () => {};
  const hung = new Promise<void>((resolve) => {
    release = resolve;
  });
  const one = spawner(async ({ recipient }) => {
    if (recipient.startsWith('hung')) await hung;
    return `K${recipient}`;
  });
  one.send(0, '5/28', 'hung@b');
  one.send(1);
  one.send(0);
  await one.waitFor(2);
  expect(one.seen.map(({ slot }) => slot).sort()).toEqual([0, 1]);
  expect(one.seen.find(({ slot }) => slot === 0)?.text).toBe(REFUSAL.slotInUse);
  one.end();
  release();
  await one.done;
  expect(one.seen.at(-1)).toEqual({ slot: 0, text: 'Khung@b' });
});

test('what is no message of the queue is refused with its own text and never delivered', async () => {
  mkdirSync(join(mess, '5/1'));
  mkfifo(join(mess, '5/2'), 0o600);
  symlinkSync(join(mess, '5/28'), join(mess, '5/3'));
  const one = spawner(async () => expect.fail('not to be tried'));
  const expected: [string, string][] = [
    ['5/1', REFUSAL.wrongType],
    ['5/2', REFUSAL.wrongType],
    ['5/3', REFUSAL.cannotOpen],
    ['5/4', REFUSAL.cannotOpen],
    ['../5/28', REFUSAL.messageNonnumeric],
  ];
  for (const [slot, [name]] of expected.entries()) one.send(slot, name);
  one.end();
  await one.done;
  const texts = one.seen.sort((a, b) => a.slot - b.slot).map(({ text }) => text);
  expect(texts).toEqual(expected.map(([, text]) => text));
});

test('a message of another owner is refused', async () => {
  const one = spawner(async () => expect.fail('not to be tried'), own + 1);
  one.send(0);
  one.end();
  await one.done;
  expect(one.seen).toEqual([{ slot: 0, text: REFUSAL.wrongOwner }]);
});

test('when reports cannot be written any more it finishes what runs and ends, its input still open', async () => {
  const events = new EventEmitter();
  const one = spawner(async () => {
    events.emit('begun');
    await once(events, 'finish');
    return 'Kdone\n';
  });
  const begun = once(events, 'begun');
  one.send(1);
  await begun;
  one.breakReports();
  events.emit('finish');
  await one.done;
});

test('a delivery that throws what nobody foresaw is deferred', async () => {
  const one = spawner(async () => {
    throw new TypeError('a bug');
  });
  one.send(9);
  one.end();
  await one.done;
  expect(one.seen).toEqual([{ slot: 9, text: REFUSAL.cannotFork }]);
});

test('a delivery whose message cannot be closed well has its report, and its slot is free again', async () => {
  const one = spawner(async ({ messageFd }) => {
    failing.add(messageFd);
    return 'Kdone\n';
  });
  for (let n = 1; n <= 2; n++) {
    one.send(3);
    await expect.poll(() => one.seen.length).toBe(n);
  }
  one.end();
  await one.done;
  expect(failing.size).toBe(0);
  expect(one.seen.map(({ text }) => text)).toEqual(['Kdone\n', 'Kdone\n']);
});

/** Runs a shell script on the test message, as a delivery. */
async function run(script: string, keep = 3000) {
  const fd = openSync(join(mess, '5/28'), 'r');
  try {
    return await runOnMessage(
      { file: '/bin/sh', args: ['-c', script], env: { PATH: process.env.PATH } },
      fd,
      keep,
    );
  } finally {
    closeSync(fd);
  }
}

test('a process has the message as fd 0 and its two outputs are one, in order', async () => {
  expect(await run('cat; echo err >&2; echo out; exit 99')).toEqual({
    exit: { code: 99 },
    output: 'Subject: x\n\nbody\nerr\nout\n',
    clipped: false,
  });
  expect(await run('kill -9 $$')).toMatchObject({ exit: { signal: 'SIGKILL' } });
});

test('endless output is read and dropped beyond what is kept', async () => {
  const report = await run('head -c 5000000 /dev/zero | tr "\\0" x; exit 7', 100);
  expect(report).toEqual({ exit: { code: 7 }, output: 'x'.repeat(100), clipped: true });
});

test('output of a process left behind still belongs to the report', async () => {
  // The shell itself ends at once; its child waits for the exit to be certain, then writes.
  const script = '(while kill -0 $$ 2>/dev/null; do :; done; echo late) & exit 0';
  expect(await run(script)).toEqual({ exit: { code: 0 }, output: 'late\n', clipped: false });
});

test('a program that is not there or not executable says whether that may pass', async () => {
  const fd = 0;
  const env = { PATH: process.env.PATH };
  expect(await runOnMessage({ file: '/no/such/file', args: [], env }, fd, 10)).toEqual({
    unable: true,
    temporary: false,
  });
  chmodSync(join(mess, '5/28'), 0o644);
  expect(await runOnMessage({ file: join(mess, '5/28'), args: [], env }, fd, 10)).toEqual({
    unable: true,
    temporary: false,
  });
});
