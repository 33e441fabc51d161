import * as fs from 'node:fs';
import { expect, test, vi } from 'vitest';
import { FLAG } from './index.ts';
import { makeTestMaildir, openTest } from './testing/maildir.ts';

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return { ...real, watch: vi.fn(real.watch) };
});

/** What the watcher was told; waits for more. */
function listen(folder: { watch(heard: () => void): () => void }) {
  let count = 0;
  const end = folder.watch(() => {
    count++;
  });
  return {
    end,
    more: async () => {
      const before = count;
      await expect.poll(() => count).toBeGreaterThan(before);
    },
  };
}

test('who watches hears of a delivery, of flags another program set, and of what another session did', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  const { folder } = await openTest(maildir);
  const { end, more } = listen(folder);
  const delivered = more();
  maildir.put('new/2.b');
  await delivered;
  await folder.refresh({ takeNew: true });
  expect(folder.messages).toHaveLength(2);
  const flagged = more();
  maildir.rename('cur/1.a:2,', 'cur/1.a:2,F');
  await flagged;
  await folder.refresh({ takeNew: true });
  expect(folder.messages[0]?.flags).toBe(FLAG.flagged);
  const stored = more();
  await folder.store(folder.messages, { change: 'add', flags: FLAG.seen, keywords: [] });
  await stored;
  end();
});

test('a change that hid behind one of our own is found soon, by who watches', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  const { folder } = await openTest(maildir, { verifyMs: 30 });
  let looks = 0;
  const end = folder.watch(() => {
    looks++;
    void folder.refresh({ takeNew: true });
  });
  await folder.store(folder.messages, { change: 'add', flags: FLAG.seen, keywords: [] });
  maildir.put('cur/2.b:2,');
  await expect.poll(() => folder.messages.length).toBe(2);
  expect(looks).toBeGreaterThan(0);
  end();
});

test('where the system has no watch left, the disk is looked at now and then', async () => {
  vi.mocked(fs.watch).mockImplementation(() => {
    throw Object.assign(new Error('no'), { code: 'ENOSPC' });
  });
  try {
    const maildir = makeTestMaildir();
    const { folder } = await openTest(maildir, { pollMs: 10 });
    const { end, more } = listen(folder);
    const delivered = more();
    maildir.put('new/1.a');
    await delivered;
    end();
  } finally {
    vi.mocked(fs.watch).mockRestore();
  }
});

test('nobody hears anything after the end', async () => {
  const maildir = makeTestMaildir();
  const { folder } = await openTest(maildir);
  let first = 0;
  const endFirst = folder.watch(() => {
    first++;
  });
  const { end, more } = listen(folder);
  endFirst();
  const delivered = more();
  maildir.put('new/1.a');
  await delivered;
  expect(first).toBe(0);
  end();
});
