// STORE: flags are in the file's name, keywords in files of their own.
//
// The name of each message is changed by a rename(2), which is durable when the file system writes it by itself: a crash
// of the host may take flags back, and nothing else.

import { lstatSync, renameSync } from 'node:fs';
import { asciiLower } from '@q/bytes';
import { errnoOf } from '@q/fault';
import { FolderFault } from './fault.ts';
import { pathOf } from './files.ts';
import { sizeOf } from './find-file.ts';
import type { Inside } from './inside.ts';
import { isKeyword, type KeywordList } from './keyword-names.ts';
import { changingKeywords, loadKeywords } from './keyword-sync.ts';
import { removeKeywordFiles, writeKeywordFile, writeKeywordList } from './keyword-write.ts';
import { KEYWORD_BATCH, NAME_TRIES } from './limits.ts';
import { FLAG, type FlagChange, type FlagsChanged } from './model.ts';
import { endingWith } from './name.ts';
import { QuotaChange } from './quota-change.ts';
import { lookAgain } from './refresh.ts';
import type { Stored } from './table.ts';
import { Turns } from './turn.ts';

/** To be run alone, after a refresh. Throws faults; what was done until then is noted. */
export async function storeFlags(
  folder: Inside,
  messages: readonly Stored[],
  change: FlagChange,
  unchangedSince: number | undefined,
): Promise<FlagsChanged> {
  checkKeywords(folder, change);
  const isModified = ({ modseq }: Stored) =>
    unchangedSince !== undefined && modseq > unchangedSince;
  const modified = messages.filter((message) => !message.gone && isModified(message));
  const wanted = messages.filter((message) => message.gone || !isModified(message));
  const changed = new Set<Stored>();
  try {
    await renameAll(folder, wanted, change, changed);
    await storeKeywords(folder, wanted, change, changed);
  } finally {
    folder.note(
      [...changed].filter(({ gone }) => !gone),
      [],
    );
  }
  return {
    stored: wanted.filter(({ gone }) => !gone),
    modified,
    gone: wanted.filter(({ gone }) => gone),
  };
}

/** Throws when there would be more keywords than a folder may have, or one that cannot be. */
export function checkKeywords(
  folder: Inside,
  { change, keywords }: Pick<FlagChange, 'change' | 'keywords'>,
): void {
  if (change === 'remove' || keywords.length === 0) return;
  if (!keywords.every(isKeyword))
    throw new FolderFault('LIMIT', 'a keyword is too long or cannot be kept');
  const inUse = folder.table.names.inUse;
  const lower = new Set(inUse.map((name) => asciiLower(name)));
  const added = new Set(
    keywords.map((name) => asciiLower(name)).filter((name) => !lower.has(name)),
  );
  if (added.size > 0 && lower.size + added.size > folder.keywordsMax)
    throw new FolderFault('LIMIT', 'too many different keywords in this mailbox');
}

function flagsAfter(old: number, { change, flags }: FlagChange): number {
  const settable = flags & ~FLAG.passed;
  if (change === 'add') return old | settable;
  if (change === 'remove') return old & ~settable;
  return settable | (old & FLAG.passed);
}

async function renameAll(
  folder: Inside,
  messages: readonly Stored[],
  change: FlagChange,
  changed: Set<Stored>,
): Promise<void> {
  const quota = new QuotaChange(folder);
  let left = messages;
  try {
    for (let tries = NAME_TRIES; left.length > 0; tries--) {
      const missed: Stored[] = [];
      await folder.changingCur(() => renameThem(folder, left, change, { changed, missed, quota }));
      if (missed.length === 0) return;
      // Other programs renamed or removed them meanwhile.
      await lookAgain(folder);
      left = missed.filter(({ gone }) => !gone);
      if (tries <= 1 && left.length > 0)
        throw Object.assign(new Error('it is renamed again and again'), { code: 'EBUSY' });
    }
  } finally {
    quota.record();
  }
}

async function renameThem(
  folder: Inside,
  messages: readonly Stored[],
  change: FlagChange,
  done: { readonly changed: Set<Stored>; readonly missed: Stored[]; readonly quota: QuotaChange },
): Promise<void> {
  const turns = new Turns();
  const unsure = folder.cur.mayHideChange;
  for (const message of messages) {
    if (message.gone) continue;
    const flags = flagsAfter(message.flags, change);
    if (flags === message.flags) {
      // Nothing would be changed, if the flags are still those that we know.
      if (unsure && !isThere(folder, message)) done.missed.push(message);
      if (turns.over) await turns.pause();
      continue;
    }
    const ending = endingWith(flags, message.ending);
    try {
      renameSync(
        pathOf(folder.curPath, message.name),
        pathOf(folder.curPath, message.base + ending.text),
      );
      if (((flags ^ message.flags) & FLAG.deleted) !== 0 && done.quota.counts) {
        const bytes = sizeOf(folder, message);
        done.quota.removed(bytes, message.flags);
        done.quota.added(bytes, flags);
      }
      message.ending = ending;
      done.changed.add(message);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      done.missed.push(message);
    }
    if (turns.over) await turns.pause();
  }
}

function isThere(folder: Inside, message: Stored): boolean {
  const path = pathOf(folder.curPath, message.name);
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function keywordsAfter(
  folder: Inside,
  old: KeywordList,
  { change, keywords }: FlagChange,
): KeywordList {
  if (keywords.length === 0 && change !== 'replace') return old;
  const { names } = folder.table;
  const list = names.listOf(keywords);
  if (change === 'replace' || (change === 'add' && old.length === 0)) return list;
  if (change === 'add')
    return list.every((name) => old.includes(name)) ? old : names.listOf([...old, ...list]);
  return list.some((name) => old.includes(name))
    ? names.listOf(old.filter((name) => !list.includes(name)))
    : old;
}

/** keywordsAfter(), worked out once for each list. */
function keywordChange(folder: Inside, change: FlagChange): (old: KeywordList) => KeywordList {
  const known = new Map<KeywordList, KeywordList>();
  return (old) => {
    let list = known.get(old);
    if (list === undefined) {
      list = keywordsAfter(folder, old, change);
      known.set(old, list);
    }
    return list;
  };
}

async function storeKeywords(
  folder: Inside,
  messages: readonly Stored[],
  change: FlagChange,
  changed: Set<Stored>,
): Promise<void> {
  const wanted = new Map<Stored, KeywordList>();
  const after = keywordChange(folder, change);
  const turns = new Turns();
  for (const message of messages) {
    const list = after(message.keywords);
    if (!message.gone && list !== message.keywords) wanted.set(message, list);
    if (turns.over) await turns.pause();
  }
  if (wanted.size === 0) return;
  if (wanted.size >= KEYWORD_BATCH && folder.options.useLocks !== false)
    await storeInList(folder, wanted, change, changed);
  else await storeInFiles(folder, wanted, changed);
}

/** A file for each message, as Courier does. */
async function storeInFiles(
  folder: Inside,
  wanted: ReadonlyMap<Stored, KeywordList>,
  changed: Set<Stored>,
): Promise<void> {
  await changingKeywords(folder, async () => {
    for (const [message, list] of wanted) {
      await writeKeywordFile(folder.dir, message.base, list, folder.fileMode);
      folder.table.setKeywords(message, list);
      folder.keywordFiles++;
      changed.add(message);
    }
  });
}

/** The list once, rather than thousands of files. */
async function storeInList(
  folder: Inside,
  wanted: ReadonlyMap<Stored, KeywordList>,
  change: FlagChange,
  changed: Set<Stored>,
): Promise<void> {
  const lock = await folder.lock();
  try {
    if (lock.kind === 'none') return await storeInFiles(folder, wanted, changed);
    await changingKeywords(folder, async () => {
      const onDisk = await loadKeywords(folder);
      const before = new Map<Stored, KeywordList>();
      const after = keywordChange(folder, change);
      for (const message of wanted.keys()) {
        before.set(message, message.keywords);
        if (!message.gone) folder.table.setKeywords(message, after(message.keywords));
      }
      try {
        const { list, names } = folder.table;
        await writeKeywordList(folder.dir, list, names.inUse, folder.fileMode);
      } catch (error) {
        for (const [message, list] of before)
          if (!message.gone) folder.table.setKeywords(message, list);
        throw error;
      }
      const bases = [...wanted.keys()].map(({ base }) => base);
      removeKeywordFiles(folder.dir, onDisk, bases);
      for (const message of wanted.keys()) changed.add(message);
    });
  } finally {
    lock.release();
  }
}
