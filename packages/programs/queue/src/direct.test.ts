import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  debris,
  type Instance,
  isRoot,
  makeInstance,
  ownerGid,
  ownerUid,
  queuedMessages,
  removeInstance,
  shortAlarm,
  until,
} from './testing/instance.ts';

let instance: Instance;
const children: ChildProcess[] = [];

beforeEach(async () => {
  instance = await makeInstance();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await removeInstance(instance);
});

interface Run {
  readonly child: ChildProcess;
  readonly message: Writable;
  readonly envelope: Writable;
  readonly exit: Promise<number | string>;
}

function start(home = instance.home): Run {
  const child = spawn(instance.program, [], {
    env: { ...instance.env, QMAILHOME: home },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const message = child.stdin as Writable;
  const envelope = child.stdout as unknown as Writable;
  for (const stream of [message, envelope]) stream.on('error', () => {});
  const exit = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  return { child, message, envelope, exit };
}

function queue(message: string | Buffer, envelope: string | Buffer, home?: string) {
  const run = start(home);
  run.message.end(message);
  run.envelope.end(typeof envelope === 'string' ? Buffer.from(envelope, 'latin1') : envelope);
  return run.exit;
}

test('a message is queued byte for byte, under its inode number, with who and when on top', async () => {
  const run = start();
  run.message.end(Buffer.from('Subject: x\r\n\n\0\xff no line end', 'latin1'));
  run.envelope.end(Buffer.from('Fjo\xe9@a.example\0Tann@b.example\0T\0\0', 'latin1'));
  expect(await run.exit).toBe(0);
  const [queued] = queuedMessages(instance.home);
  const { number, envelope, received, body } = queued as NonNullable<typeof queued>;
  const uid = process.getuid?.();
  expect(body.toString('latin1')).toBe('Subject: x\r\n\n\0\xff no line end');
  expect(received).toMatch(
    new RegExp(
      `^Received: \\(qmail ${run.child.pid} invoked by uid ${uid}\\); \\d+ \\w+ \\d{4} [\\d:]{8} -0000\n$`,
    ),
  );
  expect(envelope).toEqual({
    uid,
    pid: String(run.child.pid),
    sender: 'jo\xe9@a.example',
    recipients: ['ann@b.example', ''],
  });
  const mess = statSync(join(instance.home, `queue/mess/${Number(number) % 23}/${number}`));
  expect(String(mess.ino)).toBe(number);
  expect([mess.mode & 0o7777, mess.uid, mess.gid]).toEqual([0o644, ownerUid, ownerGid]);
  expect(statSync(join(instance.home, 'queue/todo', number)).mode & 0o7777).toBe(0o644);
  expect(debris(instance.home)).toEqual([]);
});

test('an empty message for nobody from nobody is legal', async () => {
  expect(await queue('', 'F\0\0')).toBe(0);
  expect(queuedMessages(instance.home)[0]?.envelope).toMatchObject({ sender: '', recipients: [] });
});

test('the trigger is pulled', async () => {
  const fifo = openSync(
    join(instance.home, 'queue/lock/trigger'),
    constants.O_RDONLY | constants.O_NONBLOCK,
  );
  try {
    expect(await queue('x\n', 'Fa@b\0\0')).toBe(0);
    expect(readSync(fifo, Buffer.alloc(8), 0, 8, null)).toBe(1);
  } finally {
    closeSync(fifo);
  }
});

test('fd 0 is read to its end before fd 1, and fd 1 no further than the final NUL', async () => {
  const run = start();
  run.envelope.write('Fa@b\0Tc@d\0\0 whatever follows');
  run.message.write('first ');
  await until(() => debris(instance.home).length > 0);
  expect(readdirSync(join(instance.home, 'queue/intd'))).toEqual([]);
  run.message.end('second\n');
  expect(await run.exit).toBe(0);
  expect(queuedMessages(instance.home)[0]?.body.toString()).toBe('first second\n');
});

test.each([
  { what: 'no F at the start', envelope: 'Ta@b\0\0', code: 91 },
  { what: 'a record of another kind', envelope: 'Fa@b\0Xc@d\0\0', code: 91 },
  { what: 'an address of 1003 bytes', envelope: `Fa@b\0T${'x'.repeat(1003)}\0\0`, code: 11 },
  { what: 'an end inside an address', envelope: 'Fa@b\0Tc@', code: 54 },
  { what: 'an end before the final NUL', envelope: 'Fa@b\0Tc@d\0', code: 54 },
  { what: 'nothing in it', envelope: '', code: 54 },
])('an envelope with $what: exit $code, and nothing is left', async ({ envelope, code }) => {
  expect(await queue('Subject: x\n', envelope)).toBe(code);
  expect(queuedMessages(instance.home)).toEqual([]);
  expect(debris(instance.home)).toEqual([]);
});

test('an address of 1002 bytes is accepted', async () => {
  expect(await queue('x\n', `F${'x'.repeat(1002)}\0T${'y'.repeat(1002)}\0\0`)).toBe(0);
});

test.each([
  ['queue', 62],
  ['queue/pid', 63],
  ['queue/mess', 64],
  ['queue/intd', 65],
  ['queue/todo', 66],
])('without %s the exit code is %i and nothing is left', async (missing, code) => {
  const path = join(instance.home, missing);
  renameSync(path, join(instance.home, 'away'));
  expect(await queue('x\n', 'Fa@b\0\0')).toBe(code);
  renameSync(join(instance.home, 'away'), path);
  expect(debris(instance.home)).toEqual([]);
});

test('without a home the exit code is 61', async () => {
  expect(await queue('x\n', 'Fa@b\0\0', join(instance.home, 'nowhere'))).toBe(61);
});

test('when the alarm rings it exits 52, even while a read blocks, and leaves nothing', async () => {
  await removeInstance(instance);
  instance = await makeInstance([shortAlarm(2)]);
  const run = start();
  run.message.write('x'.repeat(100_000));
  await until(() => debris(instance.home).length > 0 || run.child.exitCode !== null);
  expect(await run.exit).toBe(52);
  expect(debris(instance.home)).toEqual([]);
});

test('a file size limit is a write error, and leaves nothing', async () => {
  const child = spawn('/bin/sh', ['-c', `ulimit -f 100; exec ${instance.program}`], {
    env: instance.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  for (const stream of [child.stdin, child.stdout]) stream?.on('error', () => {});
  child.stdin?.end(Buffer.alloc(1_000_000));
  expect((await once(child, 'exit'))[0]).toBe(53);
  expect(debris(instance.home)).toEqual([]);
});

test('any message and envelope, written in any pieces, is queued as it is', async () => {
  const address = fc
    .uint8Array({ minLength: 0, maxLength: 40 })
    .map((raw) => Buffer.from(raw).toString('latin1').replaceAll('\0', ''));
  const property = fc.asyncProperty(
    fc.array(fc.uint8Array({ maxLength: 200_000, size: 'max' }), { maxLength: 4 }),
    address,
    fc.array(address, { maxLength: 20 }),
    fc.nat(),
    async (pieces, sender, recipients, cut) => {
      const run = start();
      for (const piece of pieces) run.message.write(piece);
      run.message.end();
      const envelope = Buffer.from(
        `F${sender}\0${recipients.map((r) => `T${r}\0`).join('')}\0`,
        'latin1',
      );
      const at = cut % envelope.length;
      run.envelope.write(envelope.subarray(0, at));
      run.envelope.end(envelope.subarray(at));
      expect(await run.exit).toBe(0);
      const [queued] = queuedMessages(instance.home);
      expect(queued?.body.equals(Buffer.concat(pieces))).toBe(true);
      expect(queued?.envelope).toMatchObject({ sender, recipients });
      const number = queued?.number as string;
      for (const name of ['todo', 'intd', `mess/${Number(number) % 23}`])
        rmSync(join(instance.home, 'queue', name, number));
    },
  );
  await fc.assert(property, { numRuns: 12 });
});

test.runIf(isRoot)(
  "root becomes the owner of the queue; the message stays root's (needs root)",
  async () => {
    expect(await queue('x\n', 'Fa@b\0\0')).toBe(0);
    const [queued] = queuedMessages(instance.home);
    expect(queued?.envelope.uid).toBe(0);
    expect(statSync(join(instance.home, 'queue/todo', queued?.number as string)).uid).toBe(
      ownerUid,
    );
  },
);
