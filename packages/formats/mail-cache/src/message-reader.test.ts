import { fstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ELSEWHERE_FILE_MAX, ELSEWHERE_MAX, MANY_UNKNOWN } from './limits.ts';
import { MessageReader } from './message-reader.ts';
import type { FolderCache, SearchScope } from './model.ts';
import { bundleChild } from './testing/bundle-child.ts';
import { mail } from './testing/generated-mail.ts';
import { TestCaches } from './testing/test-caches.ts';
import { TestFolder } from './testing/test-folder.ts';
import { testRenderer } from './testing/test-renderer.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
const BODY: SearchScope = { kind: 'body' };
const TEXT: SearchScope = { kind: 'text' };

let bundles: string;
let program: string;
let opened: TestCaches;
let readers: MessageReader[];
let logged: string[];

beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), 'mail-reader-'));
  program = await bundleChild(bundles, 'reader-child');
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

beforeEach(() => {
  opened = new TestCaches();
  readers = [];
  logged = [];
});
afterEach(async () => {
  for (const reader of readers) await reader.close();
  await opened.remove();
});

/** A reader whose thread is `path`. */
function newReader(path = program): MessageReader {
  const reader = new MessageReader(path, (line) => void logged.push(line));
  readers.push(reader);
  return reader;
}

/** It has met so many messages that it has a thread, which is ready. */
async function readyReader(path = program): Promise<MessageReader> {
  const reader = newReader(path);
  for (let i = 0; i < MANY_UNKNOWN; i++) expect(reader.meet()).toBe(false);
  await untilReady(reader);
  return reader;
}

/** Asks each time so often that it is many, however long the machine took since the last time. */
function untilReady(reader: MessageReader): Promise<void> {
  return vi.waitFor(() => {
    for (let i = 0; i < MANY_UNKNOWN; i++) reader.meet();
    expect(reader.meet()).toBe(true);
  }, PATIENCE);
}

/** Watches the descriptors that a folder gives: a number may be another file's when it was closed. */
class Descriptors {
  readonly #given = new Map<number, number>();
  most = 0;

  constructor(folder: TestFolder) {
    const open = folder.open.bind(folder);
    folder.open = async (message) => {
      const file = await open(message);
      if (file !== undefined) this.#given.set(file.fd, fstatSync(file.fd).ino);
      this.most = Math.max(this.most, this.open);
      return file;
    };
  }

  get open(): number {
    for (const [fd, ino] of this.#given) if (inodeOf(fd) !== ino) this.#given.delete(fd);
    return this.#given.size;
  }
}

function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino;
  } catch {
    return undefined;
  }
}

/** A program that takes part as the thread does, until its `act`, which has `batch` and `count`, does otherwise. */
function falseThread(act: string): string {
  const path = join(opened.root, 'false-thread.cjs');
  writeFileSync(
    path,
    `const { parentPort } = require('node:worker_threads');
     let count = 0;
     parentPort.on('message', (batch) => { count++; ${act} });
     parentPort.postMessage('ready');`,
  );
  return path;
}

const open = (folder: TestFolder, reader?: MessageReader): FolderCache =>
  opened
    .open({ renderer: testRenderer, now: () => 1_800_000_000_000, ...(reader && { reader }) })
    .folder(folder);

/** All that a cache says of a folder's messages, each question asked for all of them at once. */
async function everything(folder: TestFolder, cache: FolderCache) {
  const { messages } = folder;
  const facts = await Promise.all(messages.map((message) => cache.loadFacts(message)));
  const structures = await Promise.all(messages.map((message) => cache.loadStructure(message)));
  const renderings = messages.map((message) => cache.rendering(message)?.toString('latin1'));
  return {
    facts: facts.map((each) => each && { ...plain(each) }),
    structures,
    renderings,
    body: await uids(folder, cache, BODY, 'a'),
    text: await uids(folder, cache, TEXT, 'e'),
    subject: await uids(folder, cache, { kind: 'header', name: 'subject' }, ''),
  };
}

function plain(facts: NonNullable<Awaited<ReturnType<FolderCache['loadFacts']>>>) {
  const { size, crlfSize, time, saved, emailId, threadId, envelope, sent, references } = facts;
  return { size, crlfSize, time, saved, emailId, threadId, envelope, sent, references };
}

async function uids(folder: TestFolder, cache: FolderCache, scope: SearchScope, value: string) {
  const found = await cache.search(folder.messages, scope, value);
  return [...found].map(({ uid }) => uid).sort((a, b) => a - b);
}

/** Two folders of the same messages. */
function twoOf(contents: readonly (string | Buffer)[], name: string): [TestFolder, TestFolder] {
  const both = [`${name}a`, `${name}b`].map((id) => {
    const folder = new TestFolder(join(opened.root, id), id);
    for (const [i, content] of contents.entries()) folder.add(content, `17000000${10 + i}.M${i}.h`);
    return folder;
  });
  return both as [TestFolder, TestFolder];
}

describe('a thread that reads messages', () => {
  test('gives what reading them here gives, whatever is asked first', async () => {
    const reader = await readyReader();
    let box = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(mail, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (mails, searchFirst) => {
          const [there, here] = twoOf(mails, `box${box++}`);
          const cache = open(there, reader);
          if (searchFirst) await uids(there, cache, BODY, 'x');
          expect(await everything(there, cache)).toEqual(await everything(here, open(here)));
          // Nothing but the index's own copy was asked for after that.
          expect(there.opened).toBeLessThanOrEqual(mails.length * 2);
        },
      ),
      { numRuns: 60 },
    );
    expect(logged).toEqual([]);
  });

  test('hostile messages: deep nesting, endless headers, more than it takes; each as read here', async () => {
    const deep = Array.from(
      { length: 400 },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`,
    ).join('');
    const contents = [
      '',
      deep,
      `Subject: ${'x'.repeat(100_000)}\n\n`,
      `To: ${'a,'.repeat(60_000)}\n\n`,
      `Subject: long\n\n${'b'.repeat(ELSEWHERE_FILE_MAX)}`,
      // Casemapped, each of these is 18 characters: the text is longer than what is indexed.
      `Content-Type: text/plain; charset=utf-8\n\n${Buffer.from('\ufdfa'.repeat(30_000)).toString('latin1')} needle`,
      `\n${'Content-Type: message/rfc822\n\n'.repeat(3000)}`,
    ];
    const [there, here] = twoOf(contents, 'box');
    const cache = open(there, await readyReader());
    expect(await everything(there, cache)).toEqual(await everything(here, open(here)));
    expect(await uids(there, cache, BODY, 'needle')).toEqual([6]);
    expect(logged).toEqual([]);
  });

  test('messages that are gone meanwhile are left out', async () => {
    const [there] = twoOf(
      Array.from({ length: 100 }, (_, i) => `Subject: s${i}\n\nword\n`),
      'box',
    );
    const cache = open(there, await readyReader());
    const all = [...there.messages];
    const gone = all.filter(({ uid }) => uid % 3 === 0);
    const loading = all.map((message) => cache.loadFacts(message));
    for (const message of gone) there.expunge(message);
    const facts = await Promise.all(loading);
    for (const [i, message] of all.entries()) {
      const subject = facts[i]?.envelope.subject;
      // Of those that are gone some were open before.
      if (subject !== undefined || !gone.includes(message)) expect(subject).toBe(`s${i}`);
    }
    expect(await uids(there, cache, BODY, 'word')).toHaveLength(all.length - gone.length);
  });

  test.each([
    ['ends in the middle', 'if (count === 2) process.exit(0);'],
    ['throws', 'throw new Error("broken");'],
    ['needs too much memory', 'const all = []; for (;;) all.push(new Array(1e5).fill(count));'],
  ])(
    'that %s: the messages are read here, and no other is started at once',
    async (_, act) => {
      const contents = Array.from({ length: 150 }, (_, i) => `Subject: s${i}\n\nbody ${i}\n`);
      const [there, here] = twoOf(contents, 'box');
      const descriptors = new Descriptors(there);
      const reader = await readyReader(falseThread(act));
      const cache = open(there, reader);
      expect(await everything(there, cache)).toEqual(await everything(here, open(here)));
      expect(descriptors.open).toBe(0);
      for (let i = 0; i <= MANY_UNKNOWN * 2; i++) expect(reader.meet()).toBe(false);
    },
    60_000,
  );

  test('that cannot be started: the messages are read here', async () => {
    const [there, here] = twoOf(['Subject: a\n\nb\n'], 'box');
    const reader = newReader(join(opened.root, 'missing'));
    for (let i = 0; i <= MANY_UNKNOWN; i++) reader.meet();
    await vi.waitFor(() => expect(logged).toHaveLength(1), PATIENCE);
    expect(await everything(there, open(there, reader))).toEqual(
      await everything(here, open(here)),
    );
  });

  test('has no more files open than it may, and gives all back', async () => {
    const reader = await readyReader();
    const [folder] = twoOf(
      Array.from({ length: 400 }, (_, i) => `Subject: s${i}\n\n`),
      'box',
    );
    const descriptors = new Descriptors(folder);
    const wish = { described: true, header: true, body: true };
    await Promise.all(
      folder.messages.map(async (message) => {
        const records = await reader.read(
          () => folder.open(message),
          message.base,
          () => wish,
        );
        expect(records).toMatchObject({
          header: Buffer.from(`\xffSUBJECT: S${message.uid - 1}`, 'latin1'),
        });
      }),
    );
    expect(descriptors.most).toBeGreaterThan(1);
    expect(descriptors.most).toBeLessThanOrEqual(ELSEWHERE_MAX);
    expect(descriptors.open).toBe(0);
  });

  test('is ended when there is nothing to do, and another is started when it is needed', async () => {
    const reader = await readyReader();
    await vi.waitFor(() => expect(reader.meet()).toBe(false), PATIENCE);
    await untilReady(reader);
    expect(logged).toEqual([]);
  }, 120_000);

  test('is not started for a few messages, nor for many that come one by one', async () => {
    let time = 1_000_000;
    vi.spyOn(performance, 'now').mockImplementation(() => time);
    const reader = newReader(join(opened.root, 'missing'));
    for (let i = 0; i < MANY_UNKNOWN * 3; i++) {
      time += 1001;
      expect(reader.meet()).toBe(false);
    }
    for (let i = 1; i < MANY_UNKNOWN; i++) reader.meet();
    vi.restoreAllMocks();
    await reader.close();
    expect(logged).toEqual([]);
  });
});
