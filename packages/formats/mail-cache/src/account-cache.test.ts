import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bufferSource, parseMessage, previewOf } from '@q/mime';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AccountCacheOptions } from './account-cache.ts';
import { CLOSE_AFTER, UNUSED_DAYS } from './limits.ts';
import type { AccountCache, Renderer } from './model.ts';
import { TestCaches } from './testing/test-caches.ts';
import { TestFolder } from './testing/test-folder.ts';

let opened: TestCaches;
let root: string;
let lines: string[];

beforeEach(() => {
  opened = new TestCaches();
  ({ root, lines } = opened);
});

afterEach(() => opened.remove());

const openCache = (options?: Partial<AccountCacheOptions>) => opened.open(options);

async function reopened(cache: AccountCache): Promise<AccountCache> {
  await cache.close();
  return openCache();
}

const MAIL =
  'From: "Joe" <joe@a.test>\nTo: x@a.test, y@a.test\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\n' +
  'Date: Fri, 21 Nov 1997 09:55:06 -0600\nMessage-ID: <m@a.test>\nReferences: <r@a.test> <p@a.test>\n\nhello\nworld\n';

describe('facts and structures', () => {
  test('say what the file says', async () => {
    const folder = new TestFolder(root, 'box');
    const message = folder.add(MAIL);
    const cache = openCache().folder(folder);
    const parsed = await parseMessage([Buffer.from(MAIL)]);
    expect(await cache.loadStructure(message)).toEqual(parsed);
    const facts = await cache.loadFacts(message);
    expect(facts?.envelope).toEqual(parsed.root.envelope);
    expect(facts).toMatchObject({
      size: MAIL.length,
      crlfSize: parsed.crlfSize,
      time: 1_700_000_000_000,
      saved: 1_700_000_000_000,
      sent: Date.UTC(1997, 10, 21, 15, 55, 6),
      references: ['r@a.test', 'p@a.test'],
    });
    expect(facts?.emailId).toMatch(/^M[\w-]{20}$/);
    expect(facts?.threadId).toMatch(/^T[\w-]{20}$/);
  });

  test('renderings are made once for each message and remembered', async () => {
    const folder = new TestFolder(root, 'box');
    const message = folder.add(MAIL);
    const made: number[] = [];
    const renderer = (version: number): Renderer => ({
      version,
      render: ({ size }, { root: { subtype } }) => {
        made.push(version);
        return Buffer.from([version, size, ...Buffer.from(subtype)]);
      },
    });
    const expected = (version: number) =>
      Buffer.from([version, MAIL.length, ...Buffer.from('plain')]);
    const first = openCache({ renderer: renderer(1) });
    expect(first.folder(folder).rendering(message)).toBeUndefined();
    await first.folder(folder).loadFacts(message);
    expect(first.folder(folder).rendering(message)).toEqual(expected(1));
    await first.close();
    const second = openCache({ renderer: renderer(1) });
    expect(second.folder(folder).rendering(message)).toEqual(expected(1));
    expect(made).toEqual([1]);
    await second.close();
    // Another program's, and none at all: neither is given, and the file is not read for it.
    const third = openCache({ renderer: renderer(2) });
    expect(third.folder(folder).rendering(message)).toEqual(expected(2));
    await third.close();
    const fourth = openCache();
    expect(fourth.folder(folder).rendering(message)).toBeUndefined();
    expect(made).toEqual([1, 2]);
    expect(folder.opened).toBe(1);
  });

  test('are remembered: the next process opens no file', async () => {
    const folder = new TestFolder(root, 'box');
    for (let i = 0; i < 200; i++) folder.add(MAIL.replace('hello', `hello ${i}`));
    const first = openCache();
    const before = first.folder(folder);
    const loaded = await Promise.all(folder.messages.map((each) => before.loadFacts(each)));
    const structures = await Promise.all(folder.messages.map((each) => before.loadStructure(each)));
    expect(folder.opened).toBe(200);
    const after = (await reopened(first)).folder(folder);
    for (const [i, message] of folder.messages.entries()) {
      const { size, crlfSize, time, saved, emailId, threadId, envelope, sent, references } =
        after.facts(message) ?? {};
      expect({
        size,
        crlfSize,
        time,
        saved,
        emailId,
        threadId,
        envelope,
        sent,
        references,
      }).toEqual(loaded[i] && { ...loaded[i] });
      expect(after.structure(message)).toEqual(structures[i]);
    }
    expect(folder.opened).toBe(200);
  });

  test('a file is opened once for facts, structure and header, by however many they are wanted', async () => {
    const folder = new TestFolder(root, 'box');
    const message = folder.add(MAIL);
    const cache = openCache().folder(folder);
    await Promise.all([
      cache.loadFacts(message),
      cache.loadStructure(message),
      cache.loadFacts(message),
    ]);
    const found = await cache.search([message], { kind: 'header', name: 'SUBJECT' }, 'GRÜSS');
    expect(found.size).toBe(0);
    const right = await cache.search([message], { kind: 'header', name: 'SUBJECT' }, 'GRÜß');
    expect(right.size).toBe(1);
    expect(folder.opened).toBe(1);
  });

  test('belong to the UID and the base name: another message with one of them is another', async () => {
    const folder = new TestFolder(root, 'box');
    const message = folder.add(MAIL);
    const first = openCache();
    await first.folder(folder).loadFacts(message);
    const cache = (await reopened(first)).folder(folder);
    expect(cache.facts(message)).toBeDefined();
    expect(cache.facts({ ...message, base: `${message.base}x` })).toBeUndefined();
    expect(cache.facts({ ...message, uid: 2 })).toBeUndefined();
    expect(cache.structure({ ...message, base: message.base.replace('1', '2') })).toBeUndefined();
  });

  test('belong to the folder: the same UID and name in another one is another message', async () => {
    const [here, there] = [new TestFolder(root, 'box'), new TestFolder(root, 'box2')];
    const message = here.add(MAIL);
    const cache = openCache();
    await cache.folder(here).loadFacts(message);
    expect(cache.folder(there).facts(message)).toBeUndefined();
  });

  test('of a message that is gone there are none', async () => {
    const folder = new TestFolder(root, 'box');
    const message = folder.add(MAIL);
    folder.expunge(message);
    const cache = openCache().folder(folder);
    expect(await cache.loadFacts(message)).toBeUndefined();
    expect(await cache.loadStructure(message)).toBeUndefined();
    expect(await cache.preview(message)).toBeUndefined();
  });

  test('email id: the same for a copy, another one for other content', async () => {
    const folder = new TestFolder(root, 'box');
    const [message, copy, other] = [folder.add(MAIL), folder.add(MAIL), folder.add(`${MAIL}!`)];
    const cache = openCache().folder(folder);
    const ids = [message, copy, other].map(async (each) => (await cache.loadFacts(each))?.emailId);
    const [a, b, c] = await Promise.all(ids);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  test('thread id: that of the first message, known by References, In-Reply-To or its own id', async () => {
    const folder = new TestFolder(root, 'box');
    const cache = openCache().folder(folder);
    const idOf = async (header: string) =>
      (await cache.loadFacts(folder.add(`${header}\n\nx\n`)))?.threadId;
    const first = await idOf('Message-ID: <1@a>');
    expect(await idOf('Message-ID: <2@a>\nIn-Reply-To: <1@a>')).toBe(first);
    expect(await idOf('Message-ID: <3@a>\nIn-Reply-To: <2@a>\nReferences: <1@a> <2@a>')).toBe(
      first,
    );
    expect(await idOf('Message-ID: <4@a>')).not.toBe(first);
    expect(await idOf('Subject: a')).not.toBe(await idOf('Subject: b'));
  });

  test('a message of many parts is remembered, or read each time, but is always the same', async () => {
    const parts = '--b\nContent-Type: text/plain; name="a rather long name"\n\nx\n'.repeat(9000);
    const mail = `Content-Type: multipart/mixed; boundary=b\n\n${parts}--b--\n`;
    const folder = new TestFolder(root, 'box');
    const message = folder.add(mail);
    const first = openCache();
    const before = await first.folder(folder).loadStructure(message);
    const after = await (await reopened(first)).folder(folder).loadStructure(message);
    expect(after).toEqual(before);
    expect(after).toEqual(await parseMessage([Buffer.from(mail)]));
  });

  test('a file larger than is read at once gives the same as a small one', async () => {
    const mail = Buffer.from(`${MAIL}${'0123456789abcde\n'.repeat(40_000)}`);
    const folder = new TestFolder(root, 'box');
    const message = folder.add(mail);
    const cache = openCache().folder(folder);
    expect(await cache.loadStructure(message)).toEqual(await parseMessage([mail]));
    const copy = folder.add(mail);
    expect((await cache.loadFacts(copy))?.emailId).toBe((await cache.loadFacts(message))?.emailId);
  });
});

test('a preview is made once', async () => {
  const folder = new TestFolder(root, 'box');
  const message = folder.add(MAIL);
  const first = openCache();
  const bytes = Buffer.from(MAIL);
  const expected = await previewOf(bufferSource(bytes), await parseMessage([bytes]));
  expect(await first.folder(folder).preview(message)).toBe(expected);
  expect(await (await reopened(first)).folder(folder).preview(message)).toBe(expected);
  expect(folder.opened).toBe(1);
});

describe('on disk', () => {
  test('is a directory of its own for each host, which only its owner may read', async () => {
    const folder = new TestFolder(root, 'box');
    await openCache().folder(folder).loadFacts(folder.add(MAIL));
    await openCache({ host: '../else/where' }).folder(folder).loadFacts(folder.add(MAIL));
    const top = join(root, 'mailcache');
    expect(readdirSync(top).sort()).toEqual(['___else_where', 'h']);
    for (const dir of [top, join(top, 'h')]) expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  test('nothing of a dropped folder is left', async () => {
    const [kept, dropped] = [new TestFolder(root, 'box'), new TestFolder(root, 'dropped')];
    const cache = openCache();
    for (const folder of [kept, dropped]) {
      const message = folder.add(`${MAIL}${folder.mailboxId}`);
      await cache.folder(folder).loadFacts(message);
      cache.changes(folder.mailboxId).note([message], []);
    }
    const again = await reopened(cache);
    again.drop('dropped');
    expect(again.folder(dropped).facts(dropped.messages[0] as never)).toBeUndefined();
    expect([...again.changes('dropped').load()]).toEqual([]);
    expect(again.folder(kept).facts(kept.messages[0] as never)).toBeDefined();
    expect([...again.changes('box').load()]).toHaveLength(1);
  });

  test('a folder nobody has used for two months is forgotten', async () => {
    const [old, fresh] = [new TestFolder(root, 'old'), new TestFolder(root, 'fresh')];
    const begin = Date.now();
    const at = async (days: number, use: (cache: AccountCache) => Promise<unknown>) => {
      const cache = openCache({ now: () => begin + days * 86_400_000 });
      await use(cache);
      await cache.close();
    };
    const message = old.add(MAIL);
    await at(0, (cache) => cache.folder(old).loadFacts(message));
    await at(UNUSED_DAYS, async (cache) => cache.folder(fresh));
    await at(UNUSED_DAYS, async (cache) => expect(cache.folder(old).facts(message)).toBeDefined());
    await at(2 * UNUSED_DAYS + 2, async (cache) => cache.folder(fresh));
    await at(2 * UNUSED_DAYS + 2, async (cache) =>
      expect(cache.folder(old).facts(message)).toBeUndefined(),
    );
    expect(lines).toEqual([]);
  });

  test('records of expunged messages go when that is noted', async () => {
    const folder = new TestFolder(root, 'box');
    const first = openCache();
    for (let i = 0; i < 300; i++) folder.add(MAIL);
    const all = [...folder.messages];
    const cache = first.folder(folder);
    await Promise.all(all.map((message) => cache.loadFacts(message)));
    first.changes('box').note(all, []);
    const gone = all.filter(({ uid }) => uid > 40 && uid % 3 !== 0);
    first.changes('box').note(
      [],
      gone.map(({ uid }) => uid),
    );
    const after = (await reopened(first)).folder(folder);
    for (const message of all) {
      expect(after.facts(message) === undefined, String(message.uid)).toBe(gone.includes(message));
      expect(after.structure(message) === undefined).toBe(gone.includes(message));
    }
  });
});

test('a mailbox id that is none is refused: it would lead to the records of another folder', () => {
  const cache = openCache();
  expect(() => cache.changes('a\0b')).toThrow(RangeError);
  expect(() => cache.drop('')).not.toThrow();
});

test('nothing is opened and no thread begins before the first use', () => {
  const before = readFileSync('/proc/self/maps', 'latin1').includes('data.mdb');
  openCache();
  expect(before).toBe(false);
  expect(readdirSync(root)).toEqual([]);
});

describe('an engine that nobody uses for a while', () => {
  const isOpen = () => readFileSync('/proc/self/maps', 'latin1').includes(root);
  const marks = () =>
    readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('in-use'),
    );

  // Before a cache is opened, or its timers are real.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  /** Lets it rest; `use` is called half way. Time is the real one again afterwards: closing is not done at once. */
  async function pass(use: () => void): Promise<void> {
    // Before that the records that waited are written.
    await vi.advanceTimersByTimeAsync(1.5 * CLOSE_AFTER);
    use();
    await vi.advanceTimersByTimeAsync(CLOSE_AFTER);
    vi.useRealTimers();
  }

  test('is closed, with its mark removed, and opened again with all it had', async () => {
    const folder = new TestFolder(root, 'box');
    const message = folder.add(MAIL);
    const cache = openCache();
    cache.changes('box').note([message], []);
    const facts = await cache.folder(folder).loadFacts(message);
    expect(facts).toBeDefined();
    expect([isOpen(), marks().length]).toEqual([true, 1]);
    await pass(() => {});
    await vi.waitFor(() => expect([isOpen(), marks().length]).toEqual([false, 0]), 20_000);
    expect([...cache.changes('box').load()]).toHaveLength(1);
    expect([isOpen(), marks().length]).toEqual([true, 1]);
    folder.opened = 0;
    expect((await cache.folder(folder).loadFacts(message))?.emailId).toBe(facts?.emailId);
    expect(folder.opened).toBe(0);
    expect(lines).toEqual([]);
  });

  test('stays open while it is used', async () => {
    const cache = openCache();
    cache.changes('box').note([], []);
    const used = () => void [...cache.changes('box').load()];
    used();
    await pass(used);
    expect([isOpen(), marks().length]).toEqual([true, 1]);
  });

  test('has all it had also when it is opened again while it is being closed, and is left in order', async () => {
    const folder = new TestFolder(root, 'box');
    const cache = openCache();
    cache.changes('box').note([folder.add(MAIL)], []);
    await pass(() => {});
    const loaded = [...cache.changes('box').load()];
    expect(loaded).toHaveLength(1);
    await cache.close();
    expect(marks()).toEqual([]);
    expect([...openCache().changes('box').load()]).toEqual(loaded);
    expect(lines).toEqual([]);
  });
});
