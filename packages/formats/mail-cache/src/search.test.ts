import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kindPrefix } from './keys.ts';
import { LmdbStore } from './lmdb-store.ts';
import type { AccountCache, SearchScope } from './model.ts';
import { fieldName, mail, value } from './testing/generated-mail.ts';
import { plainSearch } from './testing/plain-search.ts';
import { TestCaches } from './testing/test-caches.ts';
import { TestFolder } from './testing/test-folder.ts';

let opened: TestCaches;
let root: string;

beforeEach(() => {
  opened = new TestCaches();
  ({ root } = opened);
});

afterEach(() => opened.remove());

const openCache = () => opened.open({ log: (line) => expect.unreachable(line) });

const BODY: SearchScope = { kind: 'body' };
const TEXT: SearchScope = { kind: 'text' };
const field = (name: string): SearchScope => ({ kind: 'header', name });
const scope: fc.Arbitrary<SearchScope> = fc.oneof(
  fc.constant(BODY),
  fc.constant(TEXT),
  fieldName.map(field),
);

async function uidsFound(
  cache: AccountCache,
  folder: TestFolder,
  where: SearchScope,
  what: string,
) {
  const found = await cache.folder(folder).search(folder.messages, where, what);
  return [...found].map(({ uid }) => uid).sort((a, b) => a - b);
}

test('a search finds what reading all messages finds: first, again, by another process, after an expunge', async () => {
  let box = 0;
  const cache = openCache();
  const other = openCache();
  await fc.assert(
    fc.asyncProperty(
      fc.array(mail, { minLength: 1, maxLength: 8 }),
      fc.array(fc.record({ scope, value }), { minLength: 1, maxLength: 8 }),
      fc.nat(7),
      async (mails, searches, which) => {
        const folder = new TestFolder(root, `box${box}`);
        const contents = new Map(
          mails.map((content, i) => [
            folder.add(content, `${box}.M${i}.host`).uid,
            Buffer.from(content, 'latin1'),
          ]),
        );
        box++;
        const expected = async (where: SearchScope, what: string) => {
          const uids: number[] = [];
          for (const { uid } of folder.messages)
            if (await plainSearch(contents.get(uid) as Buffer, where, what)) uids.push(uid);
          return uids;
        };
        for (const by of [cache, cache, other]) {
          for (const search of searches)
            expect(await uidsFound(by, folder, search.scope, search.value)).toEqual(
              await expected(search.scope, search.value),
            );
        }
        const gone = folder.messages[which % folder.messages.length];
        if (gone === undefined) return;
        cache.changes(folder.mailboxId).note([], [gone.uid]);
        folder.expunge(gone);
        for (const search of searches)
          expect(await uidsFound(cache, folder, search.scope, search.value)).toEqual(
            await expected(search.scope, search.value),
          );
      },
    ),
    { numRuns: 100 },
  );
});

test('in long texts a value is found wherever it stands: at every place around the borders of chunks', async () => {
  const folder = new TestFolder(root, 'box');
  const filler = Array.from({ length: 3000 }, (_, i) => `line ${(i * 7919) % 3000} of it`).join(
    '\n',
  );
  const places = [0, 8191, 8192, 8193, 16_384, 20_000, 32_760];
  for (const place of places) {
    for (let shift = -12; shift <= 2; shift += 2) {
      const at = Math.max(0, place + shift);
      folder.add(`Subject: x\n\n${filler.slice(0, at)}needle here${filler.slice(at, 40_000)}\n`);
    }
    folder.add(`Subject: x\n\n${filler.slice(0, 40_000)}\n`);
  }
  const with_ = folder.messages.filter((_, i) => i % 9 !== 8).map(({ uid }) => uid);
  const cache = openCache();
  for (let i = 0; i < 2; i++) {
    expect(await uidsFound(cache, folder, BODY, 'Needle Here')).toEqual(with_);
    expect(await uidsFound(cache, folder, TEXT, 'e he')).toEqual(with_);
    expect(await uidsFound(cache, folder, BODY, 'needle herd')).toEqual([]);
  }
});

test('text of expunged messages leaves the disk when another search meets it', async () => {
  const folder = new TestFolder(root, 'box');
  for (let i = 0; i < 600; i++)
    folder.add(`Subject: s${i}\n\nbody ${i} ${String(i).repeat(500)}\n`);
  const cache = openCache();
  cache.changes('box').note(folder.messages, []);
  expect(await uidsFound(cache, folder, TEXT, 'body 7')).toHaveLength(11);
  const stays = (uid: number) => uid < 50 || uid % 10 === 0;
  const gone = folder.messages.filter(({ uid }) => !stays(uid));
  cache.changes('box').note(
    [],
    gone.map(({ uid }) => uid),
  );
  for (const message of gone) folder.expunge(message);
  const before = await textOnDisk(cache);
  const next = openCache();
  const found = await uidsFound(next, folder, TEXT, 'body 7');
  const after = await textOnDisk(next);
  expect(after).toBeLessThan(before / 3);
  const opened = folder.opened;
  const last = openCache();
  expect(await uidsFound(last, folder, TEXT, 'body 7')).toEqual(found);
  expect(folder.opened).toBe(opened);
});

/** Bytes of indexed text; closes the cache. */
async function textOnDisk(cache: AccountCache): Promise<number> {
  await cache.close();
  const host = join(root, 'mailcache/h');
  const store = new LmdbStore(join(host, readdirSync(host)[0] as string), Date.now);
  const kinds = ['t', 'T'] as const;
  const keys = kinds.flatMap((kind) => store.keys(kindPrefix('box', kind)));
  const size = keys.reduce((sum, key) => sum + (store.get(key)?.length ?? 0), 0);
  await store.close();
  return size;
}

describe('files', () => {
  test('are opened by the first search only, and for new messages by the next', async () => {
    const folder = new TestFolder(root, 'box');
    for (let i = 0; i < 50; i++) folder.add(`Subject: s${i}\n\nbody ${i % 10}\n`);
    const cache = openCache();
    expect(await uidsFound(cache, folder, BODY, 'body 3')).toHaveLength(5);
    expect(folder.opened).toBe(50);
    expect(await uidsFound(cache, folder, TEXT, 'body 4')).toHaveLength(5);
    expect(await uidsFound(cache, folder, field('Subject'), 'S4')).toHaveLength(11);
    expect(folder.opened).toBe(50);
    await cache.close();
    const next = openCache();
    folder.add('Subject: t\n\nbody 3\n');
    expect(await uidsFound(next, folder, BODY, 'body 3')).toHaveLength(6);
    expect(folder.opened).toBe(51);
    for (const message of folder.messages) expect(next.folder(folder).facts(message)).toBeDefined();
  });

  test('are looked for only where it is asked: of the messages given', async () => {
    const folder = new TestFolder(root, 'box');
    for (let i = 0; i < 20; i++) folder.add('Subject: s\n\nbody\n');
    const some = folder.messages.filter(({ uid }) => uid % 4 === 0);
    const found = await openCache().folder(folder).search(some, BODY, 'body');
    expect(found).toEqual(new Set(some));
    expect(folder.opened).toBe(5);
  });

  test('of a text too long for the index are read each time, and found in to their ends', async () => {
    const folder = new TestFolder(root, 'box');
    const long = 'all the same words\n'.repeat(40_000);
    folder.add(`Subject: one\n\n${long}needle\n`);
    folder.add(`Subject: two\n\n${long}\n`);
    const cache = openCache();
    for (let i = 0; i < 2; i++) {
      expect(await uidsFound(cache, folder, BODY, 'needle')).toEqual([1]);
      expect(await uidsFound(cache, folder, TEXT, 'words\r\nneedle')).toEqual([1]);
      expect(await uidsFound(cache, folder, field('subject'), 'two')).toEqual([2]);
    }
  });

  test('with an endless header are searched like others', async () => {
    const folder = new TestFolder(root, 'box');
    folder.add(`Subject: a\nX-Long: ${'ab cd '.repeat(150_000)}needle\nX-Next: end\n\nbody\n`);
    const cache = openCache();
    for (let i = 0; i < 2; i++) {
      expect(await uidsFound(cache, folder, field('x-long'), 'cd needle')).toEqual([1]);
      expect(await uidsFound(cache, folder, field('x-next'), 'END')).toEqual([1]);
      expect(await uidsFound(cache, folder, field('subject'), 'needle')).toEqual([]);
      expect(await uidsFound(cache, folder, field('x-next'), '')).toEqual([1]);
      expect(await uidsFound(cache, folder, TEXT, 'body')).toEqual([1]);
    }
  });

  test('that are gone are not found', async () => {
    const folder = new TestFolder(root, 'box');
    const [stays, goes] = [folder.add('Subject: s\n\nbody\n'), folder.add('Subject: s\n\nbody\n')];
    const cache = openCache();
    const messages = [...folder.messages];
    folder.expunge(goes);
    for (const where of [BODY, TEXT, field('subject')])
      for (const what of ['', 'body', 's'])
        expect((await cache.folder(folder).search(messages, where, what)).has(goes)).toBe(false);
    expect(await cache.folder(folder).search(messages, BODY, '')).toEqual(new Set([stays]));
  });
});

test('the searcher is told how far it is, and may end it', async () => {
  const folder = new TestFolder(root, 'box');
  for (let i = 0; i < 30; i++) folder.add('Subject: s\n\nbody\n');
  const cache = openCache();
  const told: number[] = [];
  const end = new Error('enough');
  const ended = cache.folder(folder).search(folder.messages, BODY, 'body', (done) => {
    told.push(done);
    if (done === 10) throw end;
  });
  await expect(ended).rejects.toBe(end);
  expect(told.slice(0, 11)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(await uidsFound(cache, folder, BODY, 'body')).toHaveLength(30);
});
