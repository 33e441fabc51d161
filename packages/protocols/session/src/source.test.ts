import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textOf } from '@q/bytes';
import { pipe, socketpair } from '@q/posix';
import { afterAll, expect, test } from 'vitest';
import { serveStdio } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'source-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs a session that reads two lines without greed, and gives what a child then finds on the same descriptor. */
async function handOver(input: number): Promise<{ lines: string[]; rest: string }> {
  const outFile = join(dir, 'out');
  const output = openSync(outFile, 'w');
  const lines: string[] = [];
  let rest = '';
  const code = await serveStdio(
    async (conn) => {
      conn.write('hello\n');
      for (let i = 0; i < 2; i++)
        lines.push(textOf((await conn.readLine(100)) ?? Buffer.from('EOF')));
      conn.write('bye\n');
      await conn.flush();
      rest = spawnSync('cat', { stdio: [input, 'pipe', 'inherit'] }).stdout.toString();
      return 3;
    },
    { env: {}, greedy: false, input, output },
  );
  expect(code).toBe(3);
  expect(readFileSync(outFile, 'utf8')).toBe('hello\nbye\n');
  closeSync(output);
  return { lines, rest };
}

const TEXT = 'USER x\r\nPASS y\r\nSTAT\r\nQUIT\r\n';
const EXPECTED = { lines: ['USER x', 'PASS y'], rest: 'STAT\r\nQUIT\r\n' };

test('a child finds every byte after the lines that were read, on a pipe', async () => {
  const { read: from, write: to } = pipe();
  writeSync(to, TEXT);
  closeSync(to);
  expect(await handOver(from)).toEqual(EXPECTED);
});

test('a child finds every byte after the lines that were read, on a socket', async () => {
  const [ours, theirs] = socketpair();
  writeSync(theirs, TEXT);
  closeSync(theirs);
  expect(await handOver(ours)).toEqual(EXPECTED);
});

test('a child finds every byte after the lines that were read, on a file', async () => {
  writeFileSync(join(dir, 'in'), TEXT);
  const fd = openSync(join(dir, 'in'), 'r');
  expect(await handOver(fd)).toEqual(EXPECTED);
  closeSync(fd);
});

test('the end of input is seen without greed too', async () => {
  const { read: from, write: to } = pipe();
  writeSync(to, 'only\n');
  closeSync(to);
  expect(await handOver(from)).toEqual({ lines: ['only', 'EOF'], rest: '' });
});

test.each(['file', 'pipe', 'socket'])('a whole dialogue runs over a %s', async (kind) => {
  const many = 'x'.repeat(70).concat('\n').repeat(5000);
  let input: number;
  if (kind === 'file') {
    writeFileSync(join(dir, 'in'), many);
    input = openSync(join(dir, 'in'), 'r');
  } else {
    const ends = kind === 'pipe' ? pipe() : socketpair();
    const [from, to] = 'read' in ends ? [ends.read, ends.write] : ends;
    input = from;
    // A child feeds it, because a pipe holds less than the text.
    const feeder = spawn('sh', ['-c', 'yes "$0" | head -n 5000', 'x'.repeat(70)], {
      stdio: ['ignore', to, 'inherit'],
    });
    feeder.once('spawn', () => closeSync(to));
  }
  const outFile = join(dir, `out-${kind}`);
  const output = openSync(outFile, 'w');
  let count = 0;
  const code = await serveStdio(
    async (conn) => {
      for (let line = await conn.readLine(100); line; line = await conn.readLine(100)) {
        if (line.length === 70) count++;
        conn.write('.');
      }
    },
    { env: {}, input, output },
  );
  expect({ code, count }).toEqual({ code: 0, count: 5000 });
  expect(readFileSync(outFile).length).toBe(5000);
  closeSync(output);
});

test('silence is exit code 1, any other trouble is thrown', async () => {
  const { read: from, write: to } = pipe();
  const output = openSync(join(dir, 'out'), 'w');
  expect(
    await serveStdio(
      async (conn) => {
        conn.idleTimeout = 0.02;
        await conn.read();
      },
      { env: {}, input: from, output },
    ),
  ).toBe(1);
  writeFileSync(join(dir, 'in'), '');
  await expect(
    serveStdio((): Promise<void> => Promise.reject(new Error('bug')), {
      env: {},
      input: openSync(join(dir, 'in'), 'r'),
      output,
    }),
  ).rejects.toThrow('bug');
  closeSync(to);
});
