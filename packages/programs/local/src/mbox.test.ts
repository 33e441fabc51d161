import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Temporary } from '@q/fault';
import { tryFlock } from '@q/fsx';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deliverToMbox } from './mbox.ts';
import { type MessageFile, MessageReadError } from './message-file.ts';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mbox-'));
  path = join(dir, 'Mailbox');
  writeFileSync(path, 'old\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function messageOf(...chunks: (string | Error)[]): Pick<MessageFile, 'chunks'> {
  return {
    *chunks() {
      for (const chunk of chunks) {
        if (chunk instanceof Error) throw chunk;
        yield Buffer.from(chunk, 'latin1');
      }
    },
  };
}

test('a lock that is held for too long means later, and nothing is written', async () => {
  const fd = openSync(path, 'r');
  expect(tryFlock(fd, 'exclusive')).toBe(true);
  const delivery = deliverToMbox(path, 'head\n', messageOf('x\n'), { lockSeconds: 0.05 });
  await expect(delivery).rejects.toThrow('File has been locked for 30 seconds straight. (#4.3.0)');
  await expect(delivery).rejects.toBeInstanceOf(Temporary);
  expect(readFileSync(path, 'latin1')).toBe('old\n');
  closeSync(fd);
});

test('a lock that is given up in time is taken', async () => {
  const fd = openSync(path, 'r');
  expect(tryFlock(fd, 'exclusive')).toBe(true);
  const delivery = deliverToMbox(path, 'head\n', messageOf('x\n'));
  setImmediate(() => closeSync(fd));
  await delivery;
  expect(readFileSync(path, 'latin1')).toBe('old\nhead\nx\n\n');
});

test('a file that was replaced while its lock was held is let go: the message goes into the new one', async () => {
  const fd = openSync(path, 'r');
  expect(tryFlock(fd, 'exclusive')).toBe(true);
  const delivery = deliverToMbox(path, 'head\n', messageOf('x\n'));
  setImmediate(() => {
    renameSync(path, `${path}.old`);
    writeFileSync(path, 'new\n');
    closeSync(fd);
  });
  await delivery;
  expect(readFileSync(path, 'latin1')).toBe('new\nhead\nx\n\n');
  expect(readFileSync(`${path}.old`, 'latin1')).toBe('old\n');
});

test('a message that cannot be read to its end leaves no part of it', async () => {
  const broken = new MessageReadError('Unable to read message: i/o error. (#4.3.0)');
  const delivery = deliverToMbox(path, 'head\n', messageOf('x'.repeat(70_000), broken));
  await expect(delivery).rejects.toBe(broken);
  expect(readFileSync(path, 'latin1')).toBe('old\n');
});

test('a full disk means later', async () => {
  await expect(deliverToMbox('/dev/full', 'head\n', messageOf('x\n'))).rejects.toThrow(
    'Unable to write /dev/full: no space left on device. (#4.3.0)',
  );
});
