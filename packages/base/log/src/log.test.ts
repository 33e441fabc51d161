import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeForLog, openLog } from './index.ts';

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
