// The time limit of a program; everything else about programs is in qmail-local.test.ts.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MessageFile } from './message-file.ts';
import { deliverToProgram } from './program.ts';
import { isAlive, until } from './testing/lspawn-host.ts';

test('a program that runs for too long is ended, and its children with it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'program-'));
  const file = join(dir, 'message');
  writeFileSync(file, 'x');
  const fd = openSync(file, 'r');
  const env = { PATH: process.env.PATH };
  const message = new MessageFile(fd);
  const run = deliverToProgram(`sleep 1000 & echo $! > '${dir}/pid'; wait`, env, message, {
    timeLimit: 500,
  });
  await expect(run).rejects.toThrow('Program ran for too long and was ended. (#4.3.0)');
  const child = Number(readFileSync(join(dir, 'pid'), 'latin1'));
  await until(() => !isAlive(child));
  closeSync(fd);
  rmSync(dir, { recursive: true });
});
