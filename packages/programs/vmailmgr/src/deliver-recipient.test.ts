import type { Settings, Table, VirtualUser } from '@q/vmailmgr';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findRecipient, forwardAddresses } from './deliver-recipient.ts';

const settings = { string: () => '+' } as unknown as Settings;

function tableOf(...names: string[]): Table {
  const known = new Set(names);
  return {
    get: (name: string) => (known.has(name) ? ({ directory: name } as VirtualUser) : undefined),
  } as unknown as Table;
}

const found = (ext: string, ...names: string[]) =>
  findRecipient(ext, tableOf(...names), settings)?.name;

test('the longest name that EXT begins with, up to a dash, takes the mail; then the catch-all', () => {
  expect(found('joe-a-b', 'joe', 'joe-a', 'joe-a-b', '+')).toBe('joe-a-b');
  expect(found('joe-a-b', 'joe', 'joe-a', '+')).toBe('joe-a');
  expect(found('joe-a-b', 'joe', '+')).toBe('joe');
  expect(found('joea', 'joe', '+')).toBe('+');
  expect(found('joe-', 'joe')).toBe('joe');
  expect(found('-joe', 'joe', '+')).toBe('+');
  expect(found('', 'joe')).toBeUndefined();
});

test('whatever EXT is, a record is found only by a whole prefix before a dash', () => {
  const name = fc.stringMatching(/^[a-c-]{0,6}$/);
  fc.assert(
    fc.property(name, fc.array(name), (ext, names) => {
      const result = found(ext, ...names);
      if (result === undefined || result === '+') return;
      expect(names).toContain(result);
      expect(ext === result || ext.startsWith(`${result}-`)).toBe(true);
    }),
  );
});

test('a forward without @ is in the domain of the mail; with nothing behind the @ it is at control/me', () => {
  expect(forwardAddresses(['you', 'root@', 'x@y'], 'dom.test', () => 'me.test')).toEqual([
    'you@dom.test',
    'root@me.test',
    'x@y',
  ]);
  expect(() =>
    forwardAddresses(['you'], 'dom.test', () => {
      throw new Error('not to be read');
    }),
  ).not.toThrow();
});
