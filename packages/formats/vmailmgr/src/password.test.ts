import { Permanent } from '@q/fault';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clearPassword,
  hashPassword,
  isClearPassword,
  secretOf,
  verifyPassword,
  verifyPasswordAsync,
} from './index.ts';
import { isOutdatedHash } from './password.ts';

const bytes = (text: string) => Buffer.from(text, 'utf8');

describe('a password', () => {
  // Made with openssl passwd, perl and md5sum, not with this code.
  test.each([
    ['MD5-crypt, VMailMgr’s own', 'password', '$1$abcdefgh$G//4keteveJp0qb8z2DxG/'],
    ['SHA-256-crypt', 'password', '$5$saltsalt$gOjOtoMpVhru2uyjeJSEc/JaLQWOXMNmlOnj6T4AtC.'],
    [
      'SHA-512-crypt',
      'password',
      '$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/',
    ],
    ['DES', 'password', 'abJnggxhB/yWI'],
    ['plain text', 'pass word', '$0$pass word'],
    ['unsalted MD5', 'password', '35f4dcc3b5aa765d61d8327deb882cf99'],
  ])('is verified against %s', async (_, password, stored) => {
    expect(verifyPassword(bytes(password), stored)).toBe(true);
    expect(await verifyPasswordAsync(bytes(password), stored)).toBe(true);
    for (const wrong of ['', 'Password', `x${password}`, stored]) {
      expect(verifyPassword(bytes(wrong), stored)).toBe(false);
      expect(await verifyPasswordAsync(bytes(wrong), stored)).toBe(false);
    }
  });

  test('is hashed with yescrypt, each time with another salt, and verified', () => {
    const password = Buffer.from([0x70, 0xe4, 0xff, 0x20, 0x3a]);
    const hash = hashPassword(password);
    expect(hash).toMatch(/^\$(y|6)\$[\x21-\x7e]+$/);
    expect(hash).not.toContain(':');
    expect(hashPassword(password)).not.toBe(hash);
    expect(verifyPassword(password, hash)).toBe(true);
    expect(verifyPassword(bytes('other'), hash)).toBe(false);
  });

  test('is in clear where that was asked for, and that is no hash of an old method', () => {
    const password = Buffer.from([0x70, 0xe4, 0xff, 0x20, 0x3a]);
    const stored = clearPassword(password);
    expect(stored).toBe('$0$p\xe4\xff :');
    expect(verifyPassword(password, stored)).toBe(true);
    expect(verifyPassword(bytes('other'), stored)).toBe(false);
    expect([isClearPassword(stored), secretOf(stored).equals(password)]).toEqual([true, true]);
    for (const other of [undefined, '', '*', '$0$', hashPassword(password)])
      expect(isClearPassword(other)).toBe(false);
    for (const none of ['', 'a\nb', 'a\0b'])
      expect(() => clearPassword(bytes(none))).toThrow(Permanent);
    expect([stored, '*', '', '$y$x', '$6$x', '$1$x', 'abJnggxhB/yWI'].map(isOutdatedHash)).toEqual([
      ...[false, false, false, false, false],
      ...[true, true],
    ]);
  });

  test.each([
    '',
    '*',
    '!',
    '*0',
    '*1',
    '!$6$saltsalt$x',
    'x',
    'unknown',
    '$9$no$such',
    '$y$',
    '$1$',
  ])('never matches the stored %j', async (stored) => {
    for (const password of ['', '*', '!', 'x', stored]) {
      expect(verifyPassword(bytes(password), stored)).toBe(false);
      expect(await verifyPasswordAsync(bytes(password), stored)).toBe(false);
    }
  });

  test('with a NUL is refused, for crypt would see only what stands before it', () => {
    const hash = '$0$a';
    expect(verifyPassword(bytes('a\0b'), hash)).toBe(false);
    expect(verifyPassword(bytes('password\0x'), '$1$abcdefgh$G//4keteveJp0qb8z2DxG/')).toBe(false);
    expect(() => hashPassword(bytes('a\0b'))).toThrow(Permanent);
  });

  test.each([
    ['empty', ''],
    ['of two lines', 'a\nb'],
    ['with a CR', 'a\rb'],
    ['longer than crypt takes', 'x'.repeat(512)],
  ])('that is %s is not stored', (_, password) => {
    expect(() => hashPassword(bytes(password))).toThrow(Permanent);
  });

  test('of nobody takes about as long to refuse as a wrong one', () => {
    const hash = hashPassword(bytes('secret'));
    // User and system time together: only their sum is exact.
    const spent = () => process.cpuUsage().user + process.cpuUsage().system;
    const time = (stored: string | undefined) => {
      const runs = [1, 2, 3, 4, 5].map(() => {
        const start = spent();
        verifyPassword(bytes('guess'), stored);
        return spent() - start;
      });
      return Math.min(...runs);
    };
    const wrong = time(hash);
    expect(time(undefined)).toBeGreaterThan(wrong / 4);
    expect(time('*')).toBeGreaterThan(wrong / 4);
    expect(time('$0$in clear')).toBeGreaterThan(wrong / 4);
  });

  test('and stored text of any bytes give an answer', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.string({ maxLength: 40 }),
        (password, stored) => {
          // Settings that ask for much work are valid, but not what this is about.
          fc.pre(!/^\$[0-9a-z]/.test(stored) && !stored.startsWith('_'));
          expect([true, false]).toContain(verifyPassword(password, stored));
        },
      ),
      { numRuns: 30 },
    );
  });
});
