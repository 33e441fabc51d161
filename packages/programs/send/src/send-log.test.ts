import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openSendLog, safeText } from './send-log.ts';

test('foreign text stays one word of printable ASCII', () => {
  expect(safeText('did 1+0+0\n')).toBe('did_1+0+0/');
  expect(safeText('100% \xe9\x7f\0x\r\n')).toBe('100_____x_/');
  fc.assert(
    fc.property(fc.uint8Array(), (raw) => {
      const text = safeText(Buffer.from(raw).toString('latin1'));
      expect(text).toMatch(/^[!-$&-~]*$/);
      expect(text.length).toBe(raw.length);
    }),
  );
});

const settle = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test('the lines of a turn are written together, in order, and no write ends inside a line', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'send-log-'));
  const path = join(dir, 'log');
  const fd = openSync(path, 'a');
  const log = openSendLog(fd);
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i} ${'x'.repeat(i % 90)}`);
  for (const line of lines) {
    log(line);
    expect(readFileSync(path, 'latin1')).toMatch(/(^|\n)$/);
  }
  await settle();
  expect(readFileSync(path, 'latin1')).toBe(`${lines.join('\n')}\n`);
  log('y'.repeat(10_000));
  log('after it');
  await settle();
  expect(readFileSync(path, 'latin1')).toMatch(/\ny{10000}\nafter it\n$/);
  closeSync(fd);
  rmSync(dir, { recursive: true });
});

test('what a process logs last, before it exits in whatever way of its own, is written', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'send-log-'));
  const script = join(dir, 'log.cjs');
  const contents = `import { openSendLog } from './send-log.ts';
    openSendLog(1)('last words');
    if (process.argv[2] === 'exit') process.exit(3);
    if (process.argv[2] === 'throw') { process.on('uncaughtException', () => process.exit(4)); throw new Error(); }`;
  await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    outfile: script,
    external: ['koffi', 'fs-ext'],
    logLevel: 'silent',
  });
  for (const [way, status] of [
    ['end', 0],
    ['exit', 3],
    ['throw', 4],
  ] as const) {
    const ran = spawnSync(process.execPath, [script, way]);
    expect([String(ran.stdout), ran.status]).toEqual(['last words\n', status]);
  }
  rmSync(dir, { recursive: true });
});
