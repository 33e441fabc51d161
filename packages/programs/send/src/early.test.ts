// Delivery from the todo state: what is in the queue at each moment, and what follows.

import { mkdirSync, readFileSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { type Instance, until } from './testing/instance.ts';
import { useSends } from './testing/sends.ts';

const sends = useSends();
const { start } = sends;
let instance: Instance;
beforeEach(() => {
  instance = sends.instance;
});

/** The directories that hold a file of some message. */
function directories(): string {
  return instance
    .files()
    .map((path) => path.split('/')[0])
    .join(' ');
}

test('one recipient is delivered while the message is in todo, and then nothing is left', async () => {
  let seen = '';
  const send = start({
    local: () => {
      seen = directories();
      return 'Kok\n';
    },
  });
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  await send.logged('end msg');
  await until(() => instance.files().length === 0);
  expect(seen).toBe('intd mess todo');
  expect(await send.end('SIGTERM')).toBe(0);
});

test('several recipients are preprocessed first', async () => {
  let seen = '';
  const send = start({
    local: () => {
      seen ||= directories();
      return 'Kok\n';
    },
  });
  instance.enqueue('joe@far.test', ['ann@mail.test', 'bob@mail.test']);
  await send.logged('end msg');
  expect(seen).toBe('info local mess');
  await send.end('SIGTERM');
});

test('what is deferred is preprocessed, without new log lines, and tried again later', async () => {
  const send = start({ local: () => 'Zlater\n' });
  const id = instance.enqueue('joe@far.test', ['x@virtual.test']);
  await send.logged(/deferral.*\nstatus: local 0/);
  await until(() => directories() === 'info local mess');
  expect(readFileSync(instance.paths.local(id), 'latin1')).toBe('Tvdom-x@virtual.test\0');
  expect(send.log.match(/new msg/g)).toHaveLength(1);
  expect(send.log.match(/info msg/g)).toHaveLength(1);
  send.local.answer = () => 'Kok\n';
  send.signal('SIGALRM');
  await send.logged('end msg');
  await until(() => instance.files().length === 0);
  await send.end('SIGTERM');
});

test('what fails is preprocessed, bounced and removed', async () => {
  const send = start({ local: () => 'Dno such box\n' });
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  await send.logged('end msg');
  await until(() => instance.files().length === 0 && instance.bounced().length === 1);
  expect(instance.bounced()[0]?.message).toContain('<ann@mail.test>:\nno such box\n');
  await send.end('SIGTERM');
});

test('new routing between delivery and deferral does not split a message', async () => {
  const send = start({ local: () => undefined });
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  await until(() => send.local.commands.length === 1);
  instance.control('locals', 'other.test\n');
  send.signal('SIGHUP');
  send.local.report(0, 'Dgone\n');
  await send.logged('end msg');
  expect(send.log).not.toContain('warning');
  expect(send.log).toContain(`msg ${id} to local ann@mail.test`);
  expect(instance.bounced()).toHaveLength(1);
  await send.end('SIGTERM');
});

test('killed during the delivery, the message is in todo and delivered by the next one', async () => {
  const first = start({ local: () => undefined });
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  await until(() => first.local.commands.length === 1);
  await first.end('SIGKILL');
  expect(directories()).toBe('intd mess todo');
  const second = start();
  await second.logged('end msg');
  await until(() => instance.files().length === 0);
  await second.end('SIGTERM');
});

test('a clean exit waits for the delivery, and leaves what waits in line in todo, without a warning', async () => {
  instance.control('concurrencylocal', '1\n');
  const send = start({ local: () => undefined });
  for (const name of ['a', 'b', 'c']) instance.enqueue('joe@far.test', [`${name}@mail.test`]);
  await until(() => send.log.split('info msg').length === 4 && send.local.commands.length === 1);
  send.signal('SIGTERM');
  await until(() => !send.openFiles().some((path) => path.endsWith('lock/trigger')));
  send.local.report(0, 'Zlater\n');
  expect(await send.end('SIGTERM')).toBe(0);
  expect(send.log).not.toContain('warning');
  expect(directories()).toBe('info intd intd local mess mess mess todo todo');
});

test('files that an earlier attempt has left do not come to life: it is preprocessed', async () => {
  const first = start({ local: () => undefined });
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  await until(() => first.local.commands.length === 1);
  await first.end('SIGKILL');
  writeFileSync(instance.paths.info(id), 'Fstale@far.test\0');
  writeFileSync(instance.paths.remote(id), 'Tstale@far.test\0');
  const second = start();
  await second.logged('end msg');
  await until(() => instance.files().length === 0);
  expect(second.local.commands.map((it) => [it.sender, it.recipient])).toEqual([
    ['joe@far.test', 'ann@mail.test'],
  ]);
  expect(second.remote.commands).toEqual([]);
  await second.end('SIGTERM');
});

test('deferred and not to be preprocessed, it stays in todo and is found again', async () => {
  const send = start({ local: () => undefined });
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  await until(() => send.local.commands.length === 1);
  mkdirSync(instance.paths.info(id)); // cannot be unlinked
  send.local.report(0, 'Dno\n');
  await send.logged('warning: unable to unlink');
  await send.logged('status: local 0/10');
  expect(instance.files().some((path) => path.startsWith('todo/'))).toBe(true);
  expect(instance.bounced()).toEqual([]);
  rmdirSync(instance.paths.info(id));
  send.local.answer = () => 'Kok\n';
  instance.enqueue('joe@far.test', ['bob@mail.test']); // pulls the trigger
  await until(() => instance.files().length === 0);
  await send.end('SIGTERM');
});

test('hundreds at once, more than may wait in todo, are all delivered, each once', async () => {
  const counts = new Map<string, number>();
  for (let n = 0; n < 600; n++) instance.enqueue('joe@far.test', [`n${n}@mail.test`]);
  const send = start({
    local: ({ recipient }) => {
      counts.set(recipient, (counts.get(recipient) ?? 0) + 1);
      return 'Kok\n';
    },
  });
  await until(() => instance.files().length === 0);
  expect(counts.size).toBe(600);
  expect([...counts.values()].every((count) => count === 1)).toBe(true);
  await send.end('SIGTERM');
});

test('delivered but not to be removed, it is not delivered again', async () => {
  const send = start({ local: () => undefined });
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  await until(() => send.local.commands.length === 1);
  unlinkSync(instance.paths.intd(id));
  mkdirSync(instance.paths.intd(id)); // qmail-clean stops there
  send.local.report(0, 'Kok\n');
  await send.logged('qmail-clean unable to clean up');
  send.local.answer = () => 'Kok\n';
  instance.enqueue('joe@far.test', ['bob@mail.test']);
  await send.logged('end msg');
  expect(send.local.commands.map((it) => it.recipient)).toEqual(['ann@mail.test', 'bob@mail.test']);
  rmdirSync(instance.paths.intd(id));
  await send.end('SIGTERM');
});

test('delivered while qmail-clean is gone, it stays in todo: the next qmail-send delivers it a second time', async () => {
  const first = start({ local: () => undefined });
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  await until(() => first.local.commands.length === 1);
  first.clean.kill('SIGKILL');
  await first.logged('lost qmail-clean');
  first.local.report(0, 'Kok\n');
  expect(await first.end()).toBe(0);
  expect(directories()).toBe('intd mess todo');
  const second = start();
  await second.logged('end msg');
  expect(second.local.commands).toHaveLength(1);
  await second.end('SIGTERM');
});
