import { textOf } from '@q/bytes';
import { Permanent, Temporary } from '@q/fault';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeRecord,
  encodeRecord,
  parseTextTable,
  UNLIMITED,
  type VirtualUser,
} from './index.ts';

const text = fc
  .uint8Array({ maxLength: 12 })
  .map((raw) => textOf(Buffer.from(raw.filter((byte) => byte !== 0))));
const limit = fc.oneof(
  fc.constant(UNLIMITED),
  fc.nat(2 ** 31 - 1),
  fc.maxSafeNat(),
  fc.constantFrom(0, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 5 * 2 ** 30, Number.MAX_SAFE_INTEGER),
);
const user: fc.Arbitrary<VirtualUser> = fc
  .record({
    password: text,
    directory: text,
    forwards: fc.array(text.filter((forward) => forward !== '')),
    personal: text,
    hardQuota: limit,
    softQuota: limit,
    messageSize: limit,
    messageCount: limit,
    created: limit,
    expiry: limit,
    hasMailbox: fc.boolean(),
    mailboxEnabled: fc.boolean(),
  })
  .map((made) => ({ ...made, hasMailbox: made.hasMailbox && made.directory !== '' }));

const ME: VirtualUser = {
  password: '$1$salt$hash',
  directory: './users/me',
  forwards: [],
  personal: '',
  hardQuota: UNLIMITED,
  softQuota: UNLIMITED,
  messageSize: UNLIMITED,
  messageCount: UNLIMITED,
  created: 1795334409,
  expiry: UNLIMITED,
  hasMailbox: true,
  mailboxEnabled: true,
};
const ME_BYTES = Buffer.from(
  '\x02\x0a\x01\x08\x01\0$1$salt$hash\0./users/me\0\0\0-\0-\0-\0-\x001795334409\0-\0',
  'latin1',
);

/** VMailMgr's way to read a number: 32 bits, anything after "-" is unlimited. */
function oldNumber(field: string): number {
  if (/^-[0-9]*$/.test(field)) return 0xffffffff;
  let value = 0;
  for (const digit of field) value = (Math.imul(value, 10) + Number(digit)) >>> 0;
  return value;
}

describe('a virtual user record', () => {
  test('is byte for byte what VMailMgr writes', () => {
    expect(encodeRecord(ME)).toEqual(ME_BYTES);
    expect(decodeRecord(ME_BYTES)).toEqual(ME);
  });

  test('comes back as it was written, whatever the fields', () => {
    fc.assert(
      fc.property(user, (made) => {
        expect(decodeRecord(encodeRecord(made))).toEqual(made);
      }),
    );
  });

  test('cut short anywhere is unreadable for now, never another user', () => {
    fc.assert(
      fc.property(user, (made) => {
        const bytes = encodeRecord(made);
        for (let cut = 0; cut < bytes.length; cut++)
          expect(() => decodeRecord(bytes.subarray(0, cut))).toThrow(Temporary);
        expect(() => decodeRecord(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(Temporary);
      }),
    );
  });

  test('of any bytes at all is a user or a temporary fault', () => {
    const lead = fc.constantFrom([0], [1], [2], [2, 10, 1, 0], [58], []);
    fc.assert(
      fc.property(lead, fc.uint8Array({ maxLength: 60 }), (head, raw) => {
        try {
          decodeRecord(Buffer.from([...head, ...raw]));
        } catch (error) {
          expect(error).toBeInstanceOf(Temporary);
        }
      }),
    );
  });

  test('never shrinks a limit for the 32-bit reader', () => {
    fc.assert(
      fc.property(limit, (value) => {
        const fields = textOf(encodeRecord({ ...ME, hardQuota: value })).split('\0');
        const old = oldNumber(fields.at(-7) as string);
        expect(old).toBe(value > 0xfffffffe ? 0xffffffff : value);
      }),
    );
    expect(textOf(encodeRecord({ ...ME, hardQuota: 5 * 2 ** 30 }))).toContain('\0-5368709120\0');
  });

  test.each([
    ['-', UNLIMITED],
    ['-1', UNLIMITED],
    ['4294967295', UNLIMITED],
    ['4294967294', 4294967294],
    ['-4294967295', 4294967295],
    ['5368709120', 5368709120],
    ['', 0],
    ['99999999999999999999', UNLIMITED],
  ])('with the number %j means %d', (field, value) => {
    const bytes = Buffer.from(`\x02\0p\0d\0\0\0${field}\x002\x003\x004\x005\x006\0`, 'latin1');
    expect(decodeRecord(bytes).hardQuota).toBe(value);
  });

  test('of version 1 is enabled, and has a mailbox if it has a directory', () => {
    const bytes = (directory: string) =>
      Buffer.from(
        `\x01hash\0${directory}\0a@b\0c\0\0J\xf6e\x001\x002\x003\x004\x005\x006\0`,
        'latin1',
      );
    expect(decodeRecord(bytes('./users/joe'))).toEqual({
      password: 'hash',
      directory: './users/joe',
      forwards: ['a@b', 'c'],
      personal: 'J\xf6e',
      hardQuota: 1,
      softQuota: 2,
      messageSize: 3,
      messageCount: 4,
      created: 5,
      expiry: 6,
      hasMailbox: true,
      mailboxEnabled: true,
    });
    expect(decodeRecord(bytes('')).hasMailbox).toBe(false);
  });

  test('of version 2 without the mailbox flag has one if it has a directory', () => {
    const bytes = (directory: string) =>
      Buffer.from(`\x02\x08\0\0p\0${directory}\0\0\0-\0-\0-\0-\x000\0-\0`, 'latin1');
    expect(decodeRecord(bytes('./x'))).toMatchObject({ hasMailbox: true, mailboxEnabled: false });
    expect(decodeRecord(bytes(''))).toMatchObject({ hasMailbox: false });
  });

  test('with a flag nobody knows is unreadable', () => {
    expect(() => decodeRecord(Buffer.from('\x02\x0b\x01\0p\0d\0\0\0-\0-\0-\0-\0-\0-\0'))).toThrow(
      'unknown flag 11',
    );
  });

  test('that could not be read back is not written', () => {
    expect(() => encodeRecord({ ...ME, personal: 'a\0b' })).toThrow(Permanent);
    expect(() => encodeRecord({ ...ME, forwards: ['a', ''] })).toThrow(Permanent);
    expect(() => encodeRecord({ ...ME, hardQuota: -1 })).toThrow(Permanent);
    expect(() => encodeRecord({ ...ME, hardQuota: 1.5 })).toThrow(Permanent);
    expect(() => encodeRecord({ ...ME, expiry: Number.NaN })).toThrow(Permanent);
  });
});

describe('the text form', () => {
  const defaults = {
    hardQuota: 9,
    softQuota: 8,
    messageSize: 7,
    messageCount: 6,
    expiry: UNLIMITED,
  };

  test('says password and destination itself, whatever else the defaults have', () => {
    const record = { ...ME, password: '*', directory: './other', forwards: ['x'] };
    expect(decodeRecord(Buffer.from(':hash:./users/me'), record)).toMatchObject({
      password: 'hash',
      directory: './users/me',
      forwards: [],
    });
  });

  test('is read inside a cdb, and what it does not say comes from the settings', () => {
    expect(decodeRecord(Buffer.from(':hash:./users/me'), defaults)).toMatchObject({
      password: 'hash',
      directory: './users/me',
      forwards: [],
      hasMailbox: true,
      created: 0,
      hardQuota: 9,
    });
    expect(decodeRecord(Buffer.from(':*:&me,,you@x:y'))).toMatchObject({
      directory: '',
      forwards: ['me', 'you@x:y'],
      hasMailbox: false,
      hardQuota: UNLIMITED,
    });
    expect(() => decodeRecord(Buffer.from(':hash only'))).toThrow(Temporary);
  });

  test('as a file has one user a line, and other lines are passed over', () => {
    const users = parseTextTable('Me:h:/abs\n\nno colons\n:h:./x\nall:*:me,you\nlast:x:.\n');
    expect(users.map(([name, read]) => [name, read.directory, read.forwards])).toEqual([
      ['me', '/abs', []],
      ['all', '', ['me', 'you']],
      ['last', '.', []],
    ]);
  });
});
