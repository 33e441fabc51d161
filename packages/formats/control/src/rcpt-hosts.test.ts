import { expect, test } from 'vitest';
import { isForUs } from './index.ts';

test('a recipient is ours by its domain, or a suffix of it that begins with a dot', () => {
  const hosts = new Set(['example.org', '.wild.test']);
  const none = () => false;
  const asked: string[] = [];
  const inCdb = (key: string) => {
    asked.push(key);
    return key === '.more.test';
  };
  expect(isForUs('x@EXAMPLE.org', hosts, none)).toBe(true);
  expect(isForUs('x@a.example.org', hosts, none)).toBe(false);
  expect(isForUs('x@a.b.wild.test', hosts, none)).toBe(true);
  expect(isForUs('x@wild.test', hosts, none)).toBe(false);
  expect(isForUs('local', hosts, none)).toBe(true);
  expect(isForUs('x@', hosts, none)).toBe(false);
  expect(isForUs('x@A.more.test', hosts, inCdb)).toBe(true);
  expect(asked).toEqual(['a.more.test', '.more.test']);
  expect(isForUs('x@anything', undefined, none)).toBe(true);
});
