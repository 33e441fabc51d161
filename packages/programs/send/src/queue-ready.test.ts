// Bounces and the way into the queue, which may not be there yet: right at the start, and after trouble.

import { linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildPrograms, Instance } from './testing/instance.ts';
import { RunningSend } from './testing/running-send.ts';

let bin: string;
let instance: Instance;
let send: RunningSend | undefined;

beforeAll(async () => {
  bin = await buildPrograms(['qmail-send', 'qmail-clean']);
});
beforeEach(() => {
  instance = new Instance();
});
afterEach(async () => {
  await send?.end('SIGKILL');
  await instance.remove();
});
afterAll(() => rmSync(bin, { recursive: true, force: true }));

/** The way into the queue is closed until open() is called. */
function closedQueue(): { open(): void } {
  const late = join(instance.home, 'late-queue');
  const program = instance.env.QMAILQUEUE as string;
  instance.env.QMAILQUEUE = late;
  return { open: () => linkSync(program, late) };
}

test('a bounce due at the start waits until the queue server says that it listens', async () => {
  const queue = closedQueue();
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  send = new RunningSend(bin, instance, { lifeline: true, local: () => 'Dno\n' });
  await send.logged('failure: no/');
  await send.logged('status: local 0/10');
  queue.open();
  send.lifeline?.write(Buffer.alloc(1));
  await send.logged('end msg');
  expect(send.log).not.toContain('warning');
  expect(instance.bounced().length).toBe(1);
});

test('a bounce that could not be queued is tried again on SIGALRM', async () => {
  const queue = closedQueue();
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  send = new RunningSend(bin, instance, { local: () => 'Dno\n' });
  await send.logged('will try later\n');
  queue.open();
  send.signal('SIGALRM');
  await send.logged('end msg');
  expect(instance.bounced().length).toBe(1);
});
