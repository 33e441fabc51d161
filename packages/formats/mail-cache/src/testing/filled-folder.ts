// A folder that is used in full, whatever becomes of its cache.

import { expect } from 'vitest';
import type { AccountCache } from '../model.ts';
import { TestFolder } from './test-folder.ts';

/** A folder of 300 messages, the first with the subject "message 1". */
export function filledFolder(root: string): TestFolder {
  const folder = new TestFolder(root, 'box');
  for (let i = 1; i <= 300; i++)
    folder.add(`Subject: message ${i}\n\nit has the number ${i} \n`, `m${i}`);
  return folder;
}

/** Notes and loads all, and searches: everything must be right. */
export async function useAll(cache: AccountCache, folder: TestFolder): Promise<void> {
  cache.changes('box').note(folder.messages, []);
  for (const message of folder.messages)
    expect((await cache.folder(folder).loadFacts(message))?.envelope.subject).toBe(
      `message ${message.uid}`,
    );
  const found = await cache.folder(folder).search(folder.messages, { kind: 'body' }, 'number 7 ');
  expect([...found].map(({ uid }) => uid)).toEqual([7]);
}
