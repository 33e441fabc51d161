import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatName, parseName, uniqueName } from './index.ts';

const latin1 = fc.uint8Array({ maxLength: 60 }).map((raw) => Buffer.from(raw).toString('latin1'));

test('names of one process differ, within a second by a counter', () => {
  const at = { seconds: 4_000_000_000, pid: 7, host: 'mail.example.org' };
  expect(uniqueName(at)).toBe('4000000000.7.mail.example.org');
  expect(uniqueName(at)).toBe('4000000000.7_2.mail.example.org');
  expect(uniqueName(at)).toBe('4000000000.7_3.mail.example.org');
  expect(uniqueName({ ...at, seconds: 4_000_000_001 })).toBe('4000000001.7.mail.example.org');
  // The clock is set back.
  expect(uniqueName(at)).toBe('4000000000.7_2.mail.example.org');
  expect(uniqueName()).not.toBe(uniqueName());
});

test('a host name cannot lead out of the directory or start the flags', () => {
  const name = uniqueName({ seconds: 4_100_000_000, pid: 7, host: 'a/../b:2,S' });
  expect(name).toBe('4100000000.7.a\\057..\\057b\\0722,S');
  expect(uniqueName({ host: 'h'.repeat(1000) }).length).toBeLessThan(100);
});

test.each([
  ['1.2.host', '1.2.host', '', undefined],
  ['1.2.host:2,', '1.2.host', '', undefined],
  ['1.2.host:2,RS', '1.2.host', 'RS', undefined],
  ['1.2.host:2,SRS', '1.2.host', 'RS', undefined],
  ['1.2.host:2,SabT?', '1.2.host', 'STab', undefined],
  ['1.2.host:1,S', '1.2.host', '', undefined],
  ['1.2.host:S', '1.2.host', '', undefined],
  ['1.2.host:2,S:2,T', '1.2.host', 'ST', undefined],
  ['1.2.host,S=5:2,S', '1.2.host,S=5', 'S', 5],
  ['1.2.host,S=5,W=6', '1.2.host,S=5,W=6', '', 5],
  ['1.2.host,W=6,S=5', '1.2.host,W=6,S=5', '', 5],
  ['1.2.host,S=999999999999999', '1.2.host,S=999999999999999', '', 999999999999999],
  ['1.2.host,S=9999999999999999', '1.2.host,S=9999999999999999', '', undefined],
  ['1.2.host,S=-1', '1.2.host,S=-1', '', undefined],
  ['1.2.host,S=1e3', '1.2.host,S=1e3', '', undefined],
  ['1.2.host,S=', '1.2.host,S=', '', undefined],
  ['1.2.host:2,S=5', '1.2.host', 'S', undefined],
  [':2,S', '', 'S', undefined],
  ['', '', '', undefined],
])('the name %j is message %j with flags %j and size %j', (name, unique, flags, size) => {
  expect(parseName(name)).toEqual({ unique, flags, size });
});

test('any name parses; written again it is the same message with the same flags', () => {
  fc.assert(
    fc.property(latin1, latin1, (name, flags) => {
      const parsed = parseName(name);
      const again = parseName(formatName(parsed.unique, parsed.flags));
      expect(again).toEqual(parsed);
      expect(formatName(parsed.unique, flags)).toMatch(/:2,[A-Za-z]*$/);
      expect(parsed.size ?? 0).toBeLessThan(Number.MAX_SAFE_INTEGER);
    }),
  );
});
