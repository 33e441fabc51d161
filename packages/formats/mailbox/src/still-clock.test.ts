// A file system whose clock stands still: another program's change leaves the directory's times as ours did. Linux before 6.13
// has that for some milliseconds after each change.

import { renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { FLAG, type FolderMessage } from './index.ts';
import { makeTestMaildir, openTest } from './testing/maildir.ts';

vi.mock('./directory-state.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('./directory-state.ts')>();
  class DirectoryState extends original.DirectoryState {
    override look(path: string) {
      return { ...super.look(path), stamp: path, isOld: true, youngFor: 0 };
    }
  }
  return { ...original, DirectoryState };
});

/** Two messages; the first was just given a flag by us, and what is seen of the directory is believed for the whole test. */
async function opened() {
  const maildir = makeTestMaildir();
  for (const name of ['1.a:2,', '2.b:2,F', '3.c:2,F']) maildir.put(`cur/${name}`);
  const { folder } = await openTest(maildir, { verifyMs: 3_600_000 });
  const [ours, ...theirs] = folder.messages as [FolderMessage, FolderMessage, FolderMessage];
  await folder.store([ours], { change: 'add', flags: FLAG.seen, keywords: [] });
  return { maildir, folder, theirs: theirs as readonly FolderMessage[] };
}

test('a flag that another program took away is set again, although we believed it was there', async () => {
  const { maildir, folder, theirs } = await opened();
  renameSync(join(maildir.dir, 'cur/2.b:2,F'), join(maildir.dir, 'cur/2.b:2,D'));
  await folder.refresh({ takeNew: false });
  expect(theirs[0]).toMatchObject({ flags: FLAG.flagged });
  const change = { change: 'add', flags: FLAG.flagged, keywords: [] } as const;
  expect((await folder.store(theirs, change)).stored).toEqual(theirs);
  expect(maildir.names('cur')).toEqual(['1.a:2,S', '2.b:2,DF', '3.c:2,F']);
  expect(theirs[0]).toMatchObject({ flags: FLAG.flagged | FLAG.draft });
});

test('a message that another program removed is gone, although there was nothing to change', async () => {
  const { maildir, folder, theirs } = await opened();
  unlinkSync(join(maildir.dir, 'cur/3.c:2,F'));
  const change = { change: 'add', flags: FLAG.flagged, keywords: [] } as const;
  const done = await folder.store(theirs, change);
  expect(done).toMatchObject({ stored: [theirs[0]], gone: [theirs[1]] });
});
