// A number that is used again must not let one message suffer for another.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { QueuePaths } from '@q/queue-files';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HeldMessage } from './held-message.ts';

const ID = '100';
let root = '';
let paths: QueuePaths;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'held-'));
  paths = new QueuePaths(root);
  write(paths.info(ID), 'Fjoe@example.org\0');
  write(paths.local(ID), 'Tann@mail.test\0');
  write(paths.remote(ID), 'Tbob@far.test\0Deve@far.test\0');
  write(paths.bounce(ID), '<eve@far.test>:\nno\n\n');
  mkdirSync(paths.directory('todo'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function hold(): HeldMessage {
  const message = HeldMessage.open(paths, ID);
  if (message === undefined) throw new Error('not there');
  return message;
}

test('marks the chosen recipients that wait, in place', () => {
  const message = hold();
  expect(message.markDone((address) => address.endsWith('@far.test'))).toBe(1);
  expect(readFileSync(paths.remote(ID), 'latin1')).toBe('Dbob@far.test\0Deve@far.test\0');
  expect(readFileSync(paths.local(ID), 'latin1')).toBe('Tann@mail.test\0');
  message.close();
});

test('a message in todo is not held: qmail-send may be making its files anew', () => {
  write(paths.todo(ID), '');
  expect(HeldMessage.open(paths, ID)).toBeUndefined();
});

test('a message that ended is not held', () => {
  unlinkSync(paths.info(ID));
  expect(HeldMessage.open(paths, ID)).toBeUndefined();
});

test('when another message has got the number meanwhile, marks and dates stay with the first', () => {
  const message = hold();
  for (const path of [paths.info(ID), paths.local(ID), paths.remote(ID), paths.bounce(ID)])
    renameSync(path, `${path}.gone`);
  write(paths.info(ID), 'Fother@example.org\0');
  write(paths.remote(ID), 'Tbob@far.test\0');
  write(paths.bounce(ID), 'of the other');
  expect(message.markDone(() => true)).toBe(2);
  message.dropBounce();
  message.setBirth(1);
  message.close();
  expect(readFileSync(paths.remote(ID), 'latin1')).toBe('Tbob@far.test\0');
  expect(readFileSync(paths.bounce(ID), 'latin1')).toBe('of the other');
  expect(hold().birth).toBeGreaterThan(1);
  expect(readFileSync(`${paths.remote(ID)}.gone`, 'latin1')).toBe('Dbob@far.test\0Deve@far.test\0');
});

test('a birth can be set back and is kept in info', () => {
  const message = hold();
  message.setBirth(12_345);
  message.close();
  expect(hold().birth).toBe(12_345);
});
