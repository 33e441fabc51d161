import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkfifo } from '@q/posix';
import { expect, test } from 'vitest';
import { groupedTrigger } from './trigger.ts';

test('those who ask in one turn of the event loop pull once, and the next turn pulls again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'trigger-'));
  const path = join(dir, 'trigger');
  mkfifo(path, 0o600);
  const fifo = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const pulls = () => readSync(fifo, Buffer.alloc(100));
  const wake = groupedTrigger(path);
  for (let i = 0; i < 5; i++) wake();
  await new Promise(setImmediate);
  expect(pulls()).toBe(1);
  wake();
  await new Promise(setImmediate);
  expect(pulls()).toBe(1);
  closeSync(fifo);
  rmSync(dir, { recursive: true });
});
