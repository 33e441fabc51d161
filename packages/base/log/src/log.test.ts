import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeForLog, openGatheringLog, openLog, quoteForLog } from './index.ts';

test('no foreign text can start a new line, move the cursor or pretend to be an escape', () => {
  expect(escapeForLog('x\r\nstatus: fake\x1b[2J\x7f\x9b\\x41')).toBe(
    'x\\x0d\\x0astatus: fake\\x1b[2J\\x7f\\x9b\\x5cx41',
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (raw) => {
      const line = escapeForLog(Buffer.from(raw).toString('latin1'));
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      expect(line.length).toBeLessThanOrEqual(4 * 256 + 3);
    }),
  );
});

test('a line is written whole with its prefix, and a closed descriptor is survived', () => {
  const dir = mkdtempSync(join(tmpdir(), 'log-'));
  const fd = openSync(join(dir, 'log'), 'a');
  const log = openLog('qmail-test', fd);
  log('one');
  log('two \u00e9');
  closeSync(fd);
  log('three');
  expect(readFileSync(join(dir, 'log'))).toEqual(
    Buffer.from('qmail-test: one\nqmail-test: two \u00e9\n', 'latin1'),
  );
  rmSync(dir, { recursive: true });
});

test('a gathering log writes the lines of a turn at its end, in order, and those of the last turn at the exit', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'log-'));
  const file = join(dir, 'log');
  const fd = openSync(file, 'a');
  const log = openGatheringLog('q', fd);
  log('one');
  log('two');
  expect(readFileSync(file, 'utf8')).toBe('');
  await new Promise(setImmediate);
  expect(readFileSync(file, 'utf8')).toBe('q: one\nq: two\n');
  log('last');
  const [leave] = process.listeners('exit').slice(-1);
  leave?.(0);
  expect(readFileSync(file, 'utf8')).toBe('q: one\nq: two\nq: last\n');
  process.off('exit', leave as () => void);
  closeSync(fd);
  rmSync(dir, { recursive: true });
});

test('a gathering log never writes more at once than a pipe takes in one piece', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'log-'));
  const file = join(dir, 'log');
  const fd = openSync(file, 'a');
  const log = openGatheringLog('q', fd);
  const lines = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(100)}`);
  for (const line of lines) log(line);
  expect(readFileSync(file).length).toBeGreaterThan(0);
  expect(readFileSync(file).length % 4096).not.toBe(0);
  await new Promise(setImmediate);
  expect(readFileSync(file, 'utf8')).toBe(lines.map((line) => `q: ${line}\n`).join(''));
  closeSync(fd);
  rmSync(dir, { recursive: true });
});

test('text between quotes cannot end them, nor look as if it had been escaped', () => {
  expect(quoteForLog('x" ip=1\\x22\n')).toBe('x\\x22 ip=1\\x5cx22\\x0a');
});
