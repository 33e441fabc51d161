// npm start and npm test on a machine that lacks something: one clear line, exit code 1.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDirectory, removeInstance } from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { run } from './lib/run.ts';

const root = join(import.meta.dirname, '..');
let clone: string;

beforeEach(() => {
  clone = openDirectory('clone-');
  for (const name of ['scripts', 'package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) {
    cpSync(join(root, name), join(clone, name), { recursive: true });
  }
});
afterEach(() => removeInstance(clone, []));

/** A PATH with Node and the named stand-ins, which answer --version, and nothing else. */
function pathWith(...commands: string[]): string {
  const bin = join(clone, 'path');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  for (const command of commands) {
    writeFileSync(join(bin, command), '#!/bin/sh\nexit 0\n');
    chmodSync(join(bin, command), 0o755);
  }
  return bin;
}

test.each([
  [[], 'no C++ compiler: install one (Debian: apt install build-essential) and try again.'],
  [['g++'], 'no make: install it (Debian: apt install build-essential) and try again.'],
  [['g++', 'make'], 'no python3: install it (Debian: apt install python3) and try again.'],
])('with only %j on the machine it says what to install', async (commands, line) => {
  const env = { PATH: pathWith(...commands) };
  const ran = await run(process.execPath, ['scripts/start.mjs'], { cwd: clone, env });
  expect(ran).toMatchObject({ code: 1, err: `qmail-ts: ${line}\n` });
  expect(readdirSync(clone)).not.toContain('node_modules');
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s to npm start alone ends what it runs, and its exit code is passed on',
  async (signal) => {
    // As after an installation and a build; what runs only tells which signal it got.
    for (const name of ['node_modules', 'packages', 'bin', 'bin/dist'])
      mkdirSync(join(clone, name));
    writeFileSync(join(clone, 'tsup.config.ts'), '');
    const program = join(clone, 'bin/dist/qmail-ts');
    writeFileSync(program, `#!${process.execPath}\n${TELLS_SIGNAL}`);
    chmodSync(program, 0o755);
    const built = join(clone, 'bin/dist/package.json');
    writeFileSync(built, '{}');
    const later = new Date(Date.now() + 3_600_000);
    utimesSync(built, later, later);
    const start = spawn(process.execPath, ['scripts/start.mjs'], {
      cwd: clone,
      env: { PATH: pathWith('g++', 'make', 'python3', 'npx'), QMAILHOME: clone },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    const closed = once(start, 'close');
    let out = '';
    start.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString('latin1');
    });
    await until('it runs', () => out.includes('up'));
    start.kill(signal);
    await until('it has ended', () => start.exitCode !== null || start.signalCode !== null);
    expect((await closed)[0]).toBe(7);
    expect(out).toBe(`up\n${signal}\n`);
  },
);

const TELLS_SIGNAL = `
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    require('node:fs').writeSync(1, signal + '\\n');
    process.exit(7);
  });
require('node:fs').writeSync(1, 'up\\n');
setInterval(() => {}, 1000);
`;

test('an old Node is named, with the version that is needed', async () => {
  const preload = join(clone, 'old-node.cjs');
  writeFileSync(
    preload,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.1' } });",
  );
  const ran = await run(process.execPath, ['--require', preload, 'scripts/start.mjs'], {
    cwd: clone,
    env: { PATH: pathWith() },
  });
  expect(ran).toMatchObject({
    code: 1,
    err: 'qmail-ts: Node 18.19.1 is too old: install Node 20.19 or newer and try again.\n',
  });
});
