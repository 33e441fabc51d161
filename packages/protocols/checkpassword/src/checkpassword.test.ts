import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import {
  CREDENTIALS_MAX,
  decodeCredentials,
  encodeCredentials,
  readCredentials,
  runChecker,
} from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'checkpassword-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const field = fc
  .uint8Array({ maxLength: 100 })
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0)).toString('latin1'));

/** Reads credentials from a file that holds these bytes. */
function readFrom(bytes: Uint8Array) {
  const path = join(dir, 'fd3');
  writeFileSync(path, bytes);
  const fd = openSync(path, 'r');
  try {
    return readCredentials(fd);
  } finally {
    closeSync(fd);
  }
}

test('credentials survive the way to descriptor 3 and back, and no shorter part is taken for them', () => {
  fc.assert(
    fc.property(field, field, field, (user, password, stamp) => {
      const bytes = encodeCredentials({ user, password, stamp }) as Buffer;
      expect(decodeCredentials(bytes)).toEqual({ user, password, stamp });
      for (let n = 0; n < bytes.length; n++)
        expect(decodeCredentials(bytes.subarray(0, n))).toBeUndefined();
    }),
  );
});

test('an empty stamp is fine and bytes after the third field mean nothing', () => {
  expect(readFrom(Buffer.from('joe\0pw\0\0'))).toEqual({ user: 'joe', password: 'pw', stamp: '' });
  expect(readFrom(Buffer.from('joe\0pw\0s\0more\0'))).toMatchObject({ stamp: 's' });
});

test('a field with NUL, or more than 512 bytes, cannot be encoded', () => {
  expect(encodeCredentials({ user: 'a\0b', password: '', stamp: '' })).toBeUndefined();
  const password = 'p'.repeat(CREDENTIALS_MAX - 'u\0\0\0'.length);
  expect(encodeCredentials({ user: 'u', password, stamp: '' })).toHaveLength(512);
  expect(encodeCredentials({ user: 'uu', password, stamp: '' })).toBeUndefined();
});

test('misuse is exit code 2: too much, too little, no descriptor', () => {
  for (const bytes of [Buffer.alloc(513, 'a\0'), Buffer.from('joe\0pw\0stamp'), Buffer.alloc(0)])
    expect(() => readFrom(bytes)).toThrow(expect.objectContaining({ exitCode: 2 }));
  expect(() => readCredentials(9999)).toThrow(expect.objectContaining({ exitCode: 2 }));
});

test('the checker gets the login on descriptor 3, our descriptors, the stated environment, and its exit is told', async () => {
  const out = openSync(join(dir, 'out'), 'w+');
  const input = join(dir, 'in');
  writeFileSync(input, 'typed ahead\n');
  const stdin = openSync(input, 'r');
  const exit = await runChecker({
    argv: [
      '/bin/sh',
      '-c',
      'cat; tr "\\0" "|" <&3; echo; echo "$1 $ONLY"; exit 7',
      'sh',
      'argument',
    ],
    env: { PATH: '/usr/bin:/bin', ONLY: 'this' },
    credentials: encodeCredentials({ user: 'u', password: 'p', stamp: '<s>' }) as Buffer,
    stdio: [stdin, out, out],
  });
  closeSync(stdin);
  closeSync(out);
  expect(exit).toEqual({ code: 7 });
  expect(readFileSync(join(dir, 'out'), 'latin1')).toBe('typed ahead\nu|p|<s>|\nargument this\n');
});

test('a checker that exits without reading, dies by a signal, or is not there is told apart', async () => {
  const credentials = encodeCredentials({ user: 'u', password: 'p', stamp: '' }) as Buffer;
  const env = { PATH: '/usr/bin:/bin' };
  expect(await runChecker({ argv: ['true'], env, credentials })).toEqual({ code: 0 });
  expect(await runChecker({ argv: ['sh', '-c', 'kill -9 $$'], env, credentials })).toEqual({
    signal: 'SIGKILL',
  });
  await expect(runChecker({ argv: ['/no/such/checker'], env, credentials })).rejects.toThrow(
    /unable to start/,
  );
});

test('other programs read what we write: python as checker', () => {
  const bytes = encodeCredentials({ user: 'joe@example.org', password: 'é', stamp: '' }) as Buffer;
  const reader = spawnSync('python3', ['-c', 'import os; print(os.read(0, 513).split(b"\\0"))'], {
    input: bytes,
    encoding: 'latin1',
  });
  expect(reader.stdout).toBe("[b'joe@example.org', b'\\xe9', b'', b'']\n");
});
