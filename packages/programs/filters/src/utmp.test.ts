import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { terminalsOf } from './utmp.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'utmp-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function record(type: number, line: string, user: string): Buffer {
  const bytes = Buffer.alloc(384, 0);
  if (endianness() === 'LE') bytes.writeInt16LE(type, 0);
  else bytes.writeInt16BE(type, 0);
  bytes.write(line, 8, 32, 'latin1');
  bytes.write(user, 44, 32, 'latin1');
  return bytes;
}

function terminals(user: string, ...records: Buffer[]): string[] {
  writeFileSync(join(dir, 'utmp'), Buffer.concat(records));
  return terminalsOf(user, join(dir, 'utmp'));
}

test("finds every terminal of a user's processes, and no other record", () => {
  expect(
    terminals(
      'joe',
      record(2, '~', 'reboot'),
      record(7, 'pts/1', 'joe'),
      record(7, 'pts/2', 'joey'),
      record(8, 'pts/3', 'joe'), // ended
      record(7, 'tty1', 'joe'),
      record(7, 'pts/4', 'joe').subarray(0, 200), // being written
    ),
  ).toEqual(['pts/1', 'tty1']);
});

test('a name that fills its field has no NUL after it', () => {
  const name = 'n'.repeat(32);
  expect(terminals(name, record(7, 'l'.repeat(32), name))).toEqual(['l'.repeat(32)]);
  expect(terminals(`${name}x`, record(7, 'pts/1', name))).toEqual([]);
});
