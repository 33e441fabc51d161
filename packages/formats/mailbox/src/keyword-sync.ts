// The keywords on disk and those in memory.

import { errnoText } from '@q/fault';
import type { Inside } from './inside.ts';
import { type KeywordsOnDisk, keywordPath, readKeywords } from './keyword-files.ts';
import { type KeywordList, NO_KEYWORDS } from './keyword-names.ts';
import { retireKeywordFiles, writeKeywordFile, writeKeywordList } from './keyword-write.ts';
import { FOLD_FILES, KEYWORD_BATCH } from './limits.ts';
import type { HeldLock } from './lock.ts';
import type { Stored } from './table.ts';
import { Turns } from './turn.ts';

/** Reads courierimapkeywords if it was changed; what differs is noted. Never throws. */
export async function refreshKeywords(folder: Inside): Promise<void> {
  const before = folder.keywordDir.look(keywordPath(folder.dir));
  if (!folder.keywordDir.mustBeRead(before)) return;
  await loadKeywords(folder);
  folder.keywordDir.wasRead(before);
}

/** Reads courierimapkeywords; what differs is noted. Never throws. */
export async function loadKeywords(folder: Inside): Promise<KeywordsOnDisk> {
  const onDisk = await readKeywords(folder.dir, (text) => folder.log(text));
  const lists = new Map<readonly string[], KeywordList>();
  const changed = new Map<Stored, KeywordList>();
  const turns = new Turns();
  for (const message of folder.table.list) {
    const names = onDisk.keywords.get(message.base) ?? NO_KEYWORDS;
    if (names.length === 0 && message.keywords.length === 0) continue;
    const list = lists.get(names) ?? folder.table.names.listOf(names);
    lists.set(names, list);
    if (list !== message.keywords) changed.set(message, list);
    if (turns.over) await turns.pause();
  }
  for (const [message, list] of changed) folder.table.setKeywords(message, list);
  folder.keywordFiles = onDisk.files.size;
  folder.note([...changed.keys()], []);
  return onDisk;
}

/** Folds the files of single messages into :list when there are many. Never throws: they may as well stay. */
export async function foldKeywords(folder: Inside, least = FOLD_FILES): Promise<void> {
  if (folder.keywordFiles < least || folder.readOnly) return;
  let lock: HeldLock;
  try {
    lock = await folder.lock();
  } catch {
    return; // Who has it so long may fold them.
  }
  try {
    await foldLocked(folder);
  } finally {
    lock.release();
  }
}

/** The same, under the lock, for any number of files. Never throws. */
export async function foldLocked(folder: Inside): Promise<void> {
  if (folder.readOnly) return;
  try {
    await foldNow(folder);
  } catch (error) {
    folder.log(`courierimapkeywords: ${errnoText(error)}`);
  }
}

async function foldNow(folder: Inside): Promise<void> {
  const before = folder.keywordDir.look(keywordPath(folder.dir));
  const onDisk = await loadKeywords(folder);
  const { list, names } = folder.table;
  await writeKeywordList(folder.dir, list, names.inUse, folder.fileMode);
  await retireKeywordFiles(folder.dir, onDisk, (base) => folder.table.withBase(base) !== undefined);
  // Files of the period stay for some minutes: they alone are no reason to do it again.
  folder.keywordFiles = 0;
  folder.keywordDir.wasRead(before);
  folder.keywordDir.wasChanged(before, folder.keywordDir.look(keywordPath(folder.dir)));
}

/** As Inside.changingCur(). */
export async function changingKeywords(folder: Inside, change: () => Promise<void>): Promise<void> {
  const path = keywordPath(folder.dir);
  const before = folder.keywordDir.look(path);
  try {
    await change();
  } finally {
    folder.keywordDir.wasChanged(before, folder.keywordDir.look(path));
  }
}

/** Keywords of messages that are about to come in. Under the lock. Throws system errors. */
export async function writeNewKeywords(
  folder: Inside,
  messages: readonly { readonly base: string; readonly keywords: KeywordList }[],
): Promise<void> {
  const having = messages.filter(({ keywords }) => keywords.length > 0);
  if (having.length === 0) return;
  await changingKeywords(folder, async () => {
    if (having.length < KEYWORD_BATCH) {
      for (const { base, keywords } of having)
        await writeKeywordFile(folder.dir, base, keywords, folder.fileMode);
      folder.keywordFiles += having.length;
      return;
    }
    await loadKeywords(folder);
    const all = [...folder.table.list, ...having];
    const names = [...new Set(all.flatMap(({ keywords }) => keywords))].sort();
    await writeKeywordList(folder.dir, all, names, folder.fileMode);
  });
}
