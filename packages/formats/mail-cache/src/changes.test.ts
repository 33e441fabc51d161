import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Changes } from './changes.ts';
import { kindPrefix, recordKey } from './keys.ts';
import { GONE_BYTES_MAX } from './limits.ts';
import { MemoryStore } from './memory-store.ts';
import type { AccountCache } from './model.ts';
import type { Writing } from './store.ts';
import { TestCaches } from './testing/test-caches.ts';

let opened: TestCaches;
let now: number;

beforeEach(() => {
  opened = new TestCaches();
  now = 1_800_000_000_000;
});

afterEach(() => opened.remove());

const openCache = () => opened.open({ log: (line) => expect.unreachable(line), now: () => now });

const state = (uid: number, flags = 0, keywords: readonly string[] = []) => ({
  uid,
  flags,
  keywords,
});

test('the first mod-sequence is the time, in milliseconds', () => {
  const changes = openCache().changes('box');
  expect(changes.highest).toBe(0);
  expect(changes.note([state(1)], []).modseq).toBe(now);
  expect(changes.highest).toBe(now);
});

test('mod-sequences rise while the clock stands still or goes back', () => {
  const changes = openCache().changes('box');
  const first = changes.note([state(1)], []).modseq;
  now -= 1_000_000;
  expect(changes.note([state(1, 1)], []).modseq).toBe(first + 1);
});

test('what was noted is known to the next process: flags, keywords, mod-sequences', async () => {
  const first = openCache();
  const a = first
    .changes('box')
    .note([state(1, 4, ['$a', 'b']), state(700), state(2, 4, ['$a', 'b'])], []);
  now += 5;
  const b = first.changes('box').note([state(2, 63, [])], [700]);
  await first.close();
  const changes = openCache().changes('box');
  const known = [...changes.load()];
  expect(known).toEqual([
    { uid: 1, flags: 4, keywords: ['$a', 'b'], modseq: a.modseq },
    { uid: 2, flags: 63, keywords: [], modseq: b.modseq },
  ]);
  expect(changes.highest).toBe(b.modseq);
});

test('equal lists of keywords are one object, over all messages', () => {
  const changes = openCache().changes('box');
  changes.note(
    Array.from({ length: 600 }, (_, i) => state(i + 1, 0, ['x', 'y'])),
    [],
  );
  expect(new Set([...changes.load()].map(({ keywords }) => keywords)).size).toBe(1);
});

test('a state that is noted again keeps its mod-sequence', () => {
  const [one, other] = [openCache(), openCache()];
  const { modseq } = one.changes('box').note([state(1, 1, ['k']), state(2)], []);
  now += 10;
  const again = other.changes('box').note([state(1, 1, ['k']), state(2, 16), state(3)], []);
  expect(again.kept).toEqual(new Map([[1, modseq]]));
  expect([...one.changes('box').load()].map((each) => each.modseq)).toEqual([
    modseq,
    again.modseq,
    again.modseq,
  ]);
});

test('expunged UIDs are told from a mod-sequence on, as far back as is known', () => {
  const changes = openCache().changes('box');
  const uids = Array.from({ length: 20 }, (_, i) => i + 1);
  const begin = changes.note(
    uids.map((uid) => state(uid)),
    [],
  ).modseq;
  const first = changes.note([], [3, 1, 2]).modseq;
  changes.note([state(5, 16)], []);
  const second = changes.note([], [10, 17]).modseq;
  expect(changes.goneSince(begin - 1)).toBeUndefined();
  expect(changes.goneSince(begin)).toEqual([1, 2, 3, 10, 17]);
  expect(changes.goneSince(first)).toEqual([10, 17]);
  expect(changes.goneSince(second)).toEqual([]);
});

test('what two processes noted as gone is told of both times', () => {
  const [one, other] = [openCache(), openCache()];
  const begin = one.changes('box').note([state(1), state(2)], []).modseq;
  const first = one.changes('box').note([], [1]).modseq;
  const second = other.changes('box').note([], [1]).modseq;
  expect(new Set(other.changes('box').goneSince(begin))).toEqual(new Set([1]));
  expect(other.changes('box').goneSince(first)).toEqual([1]);
  expect(other.changes('box').goneSince(second)).toEqual([]);
});

describe('a store that lost something', () => {
  let store: MemoryStore;
  const damaged: string[] = [];
  const openChanges = () => {
    const kept = {
      get: (key: Buffer) => store.get(key),
      peek: (key: Buffer) => store.peek(key),
      keys: (prefix: Buffer) => store.keys(prefix),
      refresh: () => store.refresh(),
      write: <T>(work: (transaction: Writing) => T) => store.write(work),
      damaged: (what: string) => void damaged.push(what),
    };
    return new Changes(
      'box',
      kept,
      () => now++,
      () => {},
    );
  };
  const emptyStore = () => new MemoryStore(1_000_000, () => true);

  beforeEach(() => {
    store = emptyStore();
    damaged.length = 0;
  });

  test('all of it, under a running process: what goes after the next change is known, what went before is not', () => {
    const changes = openChanges();
    const before = changes.note([state(1), state(2), state(3)], []).modseq;
    store = emptyStore();
    const first = changes.note([state(1, 4)], []).modseq;
    expect(first).toBeGreaterThan(before);
    const second = changes.note([], [2]).modseq;
    expect(changes.goneSince(before)).toBeUndefined();
    expect(changes.goneSince(first)).toEqual([2]);
    expect(changes.goneSince(second)).toEqual([]);
  });

  test('a block of states: which of its messages went is not known, until the next change; then it is sound again', () => {
    const before = openChanges().note([state(1), state(2), state(700)], []).modseq;
    const key = recordKey(kindPrefix('box', 'N'), 0);
    const bytes = store.get(key) as Buffer;
    bytes[6] = (bytes[6] as number) ^ 1;
    store.put(key, bytes);
    const changes = openChanges();
    expect([...changes.load()].map(({ uid }) => uid)).toEqual([700]);
    expect(damaged).toEqual(['a block of mod-sequences']);
    expect(changes.goneSince(before)).toBeUndefined();
    const noted = changes.note([state(700, 4)], []).modseq;
    expect(changes.goneSince(before)).toBeUndefined();
    expect(changes.goneSince(noted)).toEqual([]);
    expect([...openChanges().load()].map(({ uid }) => uid)).toEqual([700]);
    expect(damaged).toEqual(['a block of mod-sequences']);
  });
});

test('the list of the expunged is bounded: the oldest are not known any more', () => {
  const changes = openCache().changes('box');
  const uids = Array.from({ length: 200_000 }, (_, i) => i + 1);
  const begin = changes.note(
    uids.map((uid) => state(uid)),
    [],
  ).modseq;
  // Every second one: no ranges, two bytes or more each.
  const odd = uids.filter((uid) => uid % 2 === 1);
  const size = Math.ceil(odd.length / 4);
  let last = 0;
  for (let i = 0; i < odd.length; i += size) last = changes.note([], odd.slice(i, i + size)).modseq;
  expect(odd.length * 2).toBeLessThan(GONE_BYTES_MAX);
  expect(changes.goneSince(begin)).toEqual(odd);
  const even = uids.filter((uid) => uid % 2 === 0).slice(0, 80_000);
  const newest = changes.note([], even).modseq;
  expect(changes.goneSince(begin)).toBeUndefined();
  expect(changes.goneSince(last)).toEqual(even);
  expect(changes.goneSince(newest)).toEqual([]);
});

test('random changes by two processes give what a simple model gives', async () => {
  const step = fc.record({
    by: fc.boolean(),
    pass: fc.nat(3),
    changed: fc.uniqueArray(fc.integer({ min: 1, max: 600 }), { maxLength: 5 }),
    flags: fc.nat(63),
    keywords: fc.subarray(['a', 'b', '$Forwarded']),
    gone: fc.uniqueArray(fc.integer({ min: 1, max: 600 }), { maxLength: 3 }),
    since: fc.nat(30),
  });
  let box = 0;
  const caches = [openCache(), openCache()];
  await fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const id = `box${box++}`;
      const known = new Map<
        number,
        { flags: number; keywords: readonly string[]; modseq: number }
      >();
      const gone: { uid: number; modseq: number }[] = [];
      const given: number[] = [];
      for (const { by, pass, changed, flags, keywords, gone: went, since } of steps) {
        now += pass;
        const store = (caches[by ? 1 : 0] as AccountCache).changes(id);
        const isGone = new Set(went);
        const states = changed
          .filter((uid) => !isGone.has(uid))
          .map((uid) => state(uid, flags, keywords));
        const noted = store.note(states, went);
        expect(noted.modseq).toBe(Math.max(now, (given.at(-1) ?? 0) + 1));
        given.push(noted.modseq);
        for (const { uid } of states) {
          const before = known.get(uid);
          const isSame = before?.flags === flags && before.keywords.join() === keywords.join();
          expect(noted.kept.get(uid)).toBe(isSame ? before?.modseq : undefined);
          if (!isSame) known.set(uid, { flags, keywords, modseq: noted.modseq });
        }
        for (const uid of went) {
          known.delete(uid);
          gone.push({ uid, modseq: noted.modseq });
        }
        const from = given[since % given.length] as number;
        const told = store.goneSince(from) as number[];
        const expected = gone.filter(({ modseq }) => modseq > from).map(({ uid }) => uid);
        expect([...told].sort()).toEqual(expected.sort());
        expect(store.highest).toBe(noted.modseq);
      }
      const loaded = [...(caches[0] as AccountCache).changes(id).load()];
      const expected = [...known].map(([uid, rest]) => ({ uid, ...rest }));
      expect(loaded).toEqual(expected.sort((a, b) => a.uid - b.uid));
    }),
    { numRuns: 60 },
  );
});
