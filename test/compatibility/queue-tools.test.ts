// The tools that look at a queue, on one that qmail 1.03 has left: qmail-qread and qmail-qstat as scripts parse them,
// and qmail-qmanage for what qmHandle is used for.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClassicHost, messageName } from '../lib/classic-host.ts';
import { until } from '../lib/processes.ts';
import { RecordedSend } from '../lib/recorded-send.ts';
import { run } from '../lib/run.ts';

const MESSAGE =
  'Received: (qmail 4711 invoked by uid 1000); 26 Sep 1995 04:46:54 -0000\n' +
  'From: Joe <joe@far.test>\nSubject: recorded\n\nhello\n';
const BIRTH = 812_090_814;

let host: ClassicHost;
let send: RecordedSend | undefined;
/** Preprocessed, partly done, bouncing; and still in todo. */
let id: string;
let inTodo: string;

beforeEach(() => {
  host = new ClassicHost({ locals: 'mail.test\n' });
  id = host.mess(MESSAGE);
  host.queueFile('info/S/N', id, 'Fjoe@far.test\0', { mtime: BIRTH });
  host.queueFile('local/S/N', id, 'Dann@mail.test\0Tbob@mail.test\0');
  host.queueFile('remote/S/N', id, 'Teve@far.test\0');
  host.queueFile('bounce/N', id, '<ann@mail.test>:\nno such box\n\n');
  inTodo = host.queued(MESSAGE, 'u7\0p99\0F\0Tann@mail.test\0');
});
afterEach(async () => {
  await send?.kill();
  send = undefined;
  host.remove();
});

async function tool(program: string, ...args: string[]): Promise<string> {
  const { env, uid, gid } = host;
  const { code, out, err } = await run(program, args, { env, uid, gid });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.toString('latin1');
}

test('qmail-qread: to the last byte', async () => {
  expect(await tool('qmail-qread')).toBe(
    `26 Sep 1995 04:46:54 GMT  #${id}  ${MESSAGE.length}  <joe@far.test>  bouncing\n` +
      '  done\tlocal\tann@mail.test\n\tlocal\tbob@mail.test\n\tremote\teve@far.test\n',
  );
});

test('qmail-qstat: to the last byte', async () => {
  expect(await tool('qmail-qstat')).toBe(
    'messages in queue: 2\nmessages in queue but not yet preprocessed: 1\n',
  );
});

test('qmail-qfsck finds nothing wrong', async () => {
  expect(await tool('qmail-qfsck')).not.toMatch(/wrong|missing|damaged/);
});

test('qmHandle -l, -m: qmail-qmanage list and show', async () => {
  const list = await tool('qmail-qmanage', 'list');
  expect(list).toContain(id);
  expect(list).toContain('joe@far.test');
  expect(await tool('qmail-qmanage', 'show', id)).toContain('Subject: recorded');
  expect(await tool('qmail-qmanage', 'show', '--message', id)).toBe(MESSAGE);
});

test('qmHandle -d, while qmail-send runs: nothing more is tried, nobody is told', async () => {
  host.touch('info/S/N', id, { mtime: Math.floor(Date.now() / 1000) - 100 }); // not too long in the queue
  send = new RecordedSend(host, { answer: () => 'Zlater\n', env: { QMAILQUEUE: '/bin/false' } });
  const running = send;
  await until('all three have been tried', () => running.log.split('deferral').length === 4);
  await running.logged(/status: local 0\/10 remote 0\/20\n$/);
  await tool('qmail-qmanage', 'delete', id);
  running.child.kill('SIGALRM');
  await until('it is gone', () => host.left().every((name) => !name.includes(id)));
  expect(running.log).not.toContain('bounce msg');
  expect(host.left().some((name) => name.includes(inTodo))).toBe(true);
});

test('qmHandle -d, while none runs: it is gone at once', async () => {
  await tool('qmail-qmanage', 'delete', id);
  expect(host.left()).toEqual(
    [`intd/${inTodo}`, `mess/${messageName(inTodo)}`, `todo/${inTodo}`].sort(),
  );
});
