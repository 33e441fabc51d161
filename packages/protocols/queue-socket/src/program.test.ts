import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectQueue } from './index.ts';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'qq-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function script(name: string, text: string): void {
  mkdirSync(join(home, 'bin'), { recursive: true });
  writeFileSync(join(home, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(home, name), 0o755);
}

async function send(env: NodeJS.ProcessEnv, message: string | Buffer = 'hello\n') {
  const queue = connectQueue({ home, env: { PATH: process.env.PATH, ...env } });
  const writer = await queue.open();
  await writer.write(Buffer.from(message));
  return writer.commit('s\xe9@a', ['r@b', 'q@c']);
}

test('$QMAILQUEUE gets the message on fd 0, then the envelope on fd 1, in QMAILHOME, with the environment', async () => {
  script('bin/filter', 'cat >message; cat <&1 >envelope; pwd >where; echo "$RELAYCLIENT:$#" >env');
  const message = Buffer.alloc(1_000_000, 'm');
  const result = await send({ QMAILQUEUE: join(home, 'bin/filter'), RELAYCLIENT: 'yes' }, message);
  expect(result).toMatchObject({ code: 0, text: 'K' });
  expect(result.qp).toMatch(/^\d+$/);
  expect(readFileSync(join(home, 'message')).equals(message)).toBe(true);
  expect(readFileSync(join(home, 'envelope'), 'latin1')).toBe('Fs\xe9@a\0Tr@b\0Tq@c\0\0');
  expect(readFileSync(join(home, 'where'), 'utf8')).toBe(`${home}\n`);
  expect(readFileSync(join(home, 'env'), 'utf8')).toBe('yes:0\n');
});

test('$QMAILQUEUE is used for each message by the environment of that message', async () => {
  script('bin/one', 'cat >/dev/null; exit 31');
  script('bin/two', 'cat >/dev/null; exit 0');
  const queue = connectQueue({ home, env: { QMAILQUEUE: 'bin/one' } });
  expect((await (await queue.open()).commit('a', [])).code).toBe(31);
  const other = await queue.open({ QMAILQUEUE: 'bin/two' });
  expect((await other.commit('a', [])).code).toBe(0);
});

test('without a socket, bin/qmail-queue is run', async () => {
  script('bin/qmail-queue', 'cat >/dev/null; cat <&1 >/dev/null; exit 53');
  expect(await send({})).toEqual({ code: 53, text: 'Zqq write error or disk full (#4.3.0)' });
});

test('exit 82 takes its text from fd 6, at most 255 bytes of it', async () => {
  script('bin/filter', 'cat >/dev/null; echo "Dno spam here (#5.7.1)" >&6; exit 82');
  expect((await send({ QMAILQUEUE: 'bin/filter' })).text).toBe('Dno spam here (#5.7.1)');
  script('bin/filter', 'cat >/dev/null; head -c 100000 /dev/zero | tr "\\0" Z >&6; exit 82');
  expect((await send({ QMAILQUEUE: 'bin/filter' })).text).toBe('Z'.repeat(255));
  script('bin/filter', 'cat >/dev/null; (sleep 60 & echo $! >sleeper); echo Dheld >&6; exit 82');
  expect((await send({ QMAILQUEUE: 'bin/filter' })).text).toBe('Dheld');
  process.kill(Number(readFileSync(join(home, 'sleeper'), 'utf8')));
});

test('a filter that reads nothing, is killed, or cannot be run, is an answer too', async () => {
  script('bin/filter', 'exit 31');
  expect((await send({ QMAILQUEUE: 'bin/filter' }, Buffer.alloc(3_000_000))).code).toBe(31);
  script('bin/filter', 'kill -9 $$');
  expect((await send({ QMAILQUEUE: 'bin/filter' })).text).toBe('Zqq crashed (#4.3.0)');
  expect((await send({ QMAILQUEUE: 'bin/absent' })).text).toBe('Zunable to exec qq (#4.3.0)');
  expect((await send({ QMAILQUEUE: '' })).text).toBe('Zunable to exec qq (#4.3.0)');
});

test('a message that a filter has not read whole is not queued, whatever its exit code', async () => {
  // A kilobyte is read, the rest meets a closed pipe.
  script('bin/filter', 'head -c 1000 >/dev/null; exec 0<&-; cat <&1 >envelope; exit 0');
  const result = await send({ QMAILQUEUE: 'bin/filter' }, Buffer.alloc(3_000_000));
  expect(result).toEqual({ code: 54, text: 'Zqq read error (#4.3.0)' });
  expect(readFileSync(join(home, 'envelope'), 'latin1')).toBe('Fs\xe9@a\0Tr@b\0Tq@c\0');
});

test('an aborted message reaches a filter as an envelope without end', async () => {
  script('bin/filter', 'cat >message; cat <&1 >envelope; touch done');
  const queue = connectQueue({ home, env: { PATH: process.env.PATH, QMAILQUEUE: 'bin/filter' } });
  const writer = await queue.open();
  await writer.write(Buffer.alloc(200_000, 'x'));
  writer.abort();
  for (const end = Date.now() + 120_000; ; await new Promise((done) => setTimeout(done, 10))) {
    try {
      readFileSync(join(home, 'done'));
      break;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
  expect(readFileSync(join(home, 'envelope')).length).toBe(0);
});
