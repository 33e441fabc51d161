import type * as Fs from 'node:fs';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeDelivery, ReportDecoder, runSpawner } from './index.ts';

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

let mess: string;

beforeEach(() => {
  mess = mkdtempSync(join(tmpdir(), 'spawner-'));
  mkdirSync(join(mess, '5'));
  writeFileSync(join(mess, '5/28'), 'Subject: x\n\nbody\n');
});
afterEach(() => rmSync(mess, { recursive: true, force: true }));

test('a delivery whose message cannot be closed well has its report, and its slot is free again', async () => {
  const commands = new PassThrough();
  const reports = new PassThrough();
  const deliver = async ({ messageFd }: { readonly messageFd: number }) => {
    failing.add(messageFd);
    return 'Kdone\n';
  };
  const owner = process.getuid?.() ?? 0;
  const done = runSpawner({ commands, reports, messDir: mess, messageOwner: owner, deliver });
  const command = encodeDelivery({ slot: 3, message: '5/28', sender: '', recipient: 'a@b' });
  const seen: string[] = [];
  const decoder = new ReportDecoder();
  let bytes = 0;
  reports.on('data', (chunk: Buffer) => {
    const first = bytes === 0 ? 1 : 0; // the number of slots
    bytes += chunk.length;
    decoder.push(chunk.subarray(first), ({ text }) => void seen.push(text));
  });
  for (let n = 1; n <= 2; n++) {
    commands.write(command);
    await expect.poll(() => seen.length).toBe(n);
  }
  commands.end();
  await done;
  expect(seen).toEqual(['Kdone\n', 'Kdone\n']);
});
