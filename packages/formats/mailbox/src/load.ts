// A folder is opened: what is on disk, what Dovecot left, what the cache remembers, together for the first time.

import { type Stats, statSync } from 'node:fs';
import { cleanTmp } from '@q/maildir';
import { memoryChangeStore } from './change-store.ts';
import { keywordsOfLetters, readDovecotKeywords, readDovecotUids } from './dovecot.ts';
import { identityOf } from './identity.ts';
import { type FolderOptions, Inside } from './inside.ts';
import { readKeywords } from './keyword-files.ts';
import { foldLocked, loadKeywords } from './keyword-sync.ts';
import { mayRetire, writeKeywordList } from './keyword-write.ts';
import { UID_LEAP_MAX, UID_MAX, UIDVALIDITY_EPOCH } from './limits.ts';
import type { KnownState } from './model.ts';
import { inOrder, writeDown } from './numbering.ts';
import { rescan, type UnknownFiles } from './rescan.ts';
import { Stored } from './table.ts';
import { Turns } from './turn.ts';
import { readUids, type UidHeader } from './uiddb.ts';

/** The folder in `dir`, which is a Maildir; `stats` are its own. Throws faults. */
export async function loadFolder(
  dir: string,
  stats: Stats,
  options: FolderOptions,
): Promise<Inside> {
  const fileMode = (statSync(`${dir}/cur`).mode & 0o666) | 0o600;
  const folder = new Inside(dir, options, fileMode);
  folder.identity = identityOf(stats);
  await cleanTmp(dir).catch(() => {}); // Somebody else will.
  const lock = await folder.lock();
  try {
    await loadMessages(folder);
  } finally {
    lock.release();
  }
  folder.mailboxId = `${folder.validity.toString(36)}-${stats.ino.toString(36)}`;
  await loadChanges(folder);
  return folder;
}

async function loadMessages(folder: Inside): Promise<void> {
  const trouble = (text: string) => folder.log(text);
  const ours = await readUids(folder.dir, trouble);
  const theirs = ours === undefined ? await readDovecotUids(folder.dir, trouble) : undefined;
  const list = stillUsable(folder, ours ?? theirs);
  const beforeKeywords = folder.keywordDir.look(`${folder.dir}/courierimapkeywords`);
  const fresh = await rescan(folder);
  const messages = await listedMessages(folder, fresh, list?.uids ?? new Map());
  folder.validity = list?.validity ?? 0;
  folder.uidNext = list?.next ?? 1;
  folder.uidStamp = list === ours && ours?.broken === false ? ours.stamp : undefined;
  const added = await inOrder(fresh, folder.uidNext);
  for (const message of added) messages.push(message);
  if (theirs !== undefined) await takeKeywordsOver(folder, messages);
  if (added.length > 0 || folder.uidStamp === undefined) {
    const settle = await writeDown(folder, added, messages);
    await settle();
  }
  if (folder.validity === 0) folder.validity = Math.floor(Date.now() / 1000) - UIDVALIDITY_EPOCH;
  for (const { uid } of added) folder.recent.push(uid);
  folder.table.add(messages);
  const onDisk = await loadKeywords(folder);
  folder.keywordDir.wasRead(beforeKeywords);
  if (mayRetire(onDisk)) await foldLocked(folder);
}

/** Those that have a UID, ascending; they are taken out of `files`. */
async function listedMessages(
  folder: Inside,
  files: UnknownFiles,
  uids: ReadonlyMap<string, number>,
): Promise<Stored[]> {
  const messages: Stored[] = [];
  const turns = new Turns();
  let ascends = true;
  for (const [base, uid] of uids) {
    const ending = files.get(base);
    if (ending === undefined) folder.deadLines.add(base);
    else {
      ascends &&= (messages.at(-1)?.uid ?? 0) < uid;
      messages.push(new Stored(uid, base, ending));
      files.delete(base);
    }
    if (turns.over) await turns.pause();
  }
  return ascends ? messages : messages.sort((a, b) => a.uid - b.uid);
}

/** A list whose UIDs are nearly all given is no use; all messages get new ones, under another UIDVALIDITY. */
function stillUsable<List extends UidHeader>(
  folder: Inside,
  list: List | undefined,
): List | undefined {
  if (list === undefined || list.next <= UID_MAX - UID_LEAP_MAX) return list;
  folder.log(`no UIDs are left of UIDVALIDITY ${list.validity}`);
  folder.spentValidity = list.validity;
  return undefined;
}

/** Before courierimapuiddb is there: a crash in between takes them over again. */
async function takeKeywordsOver(folder: Inside, messages: readonly Stored[]): Promise<void> {
  const { dir } = folder;
  const letters = readDovecotKeywords(dir, (text) => folder.log(text));
  if (letters.length === 0 || folder.readOnly) return;
  const { keywords } = await readKeywords(dir, () => {});
  const { names } = folder.table;
  const lists = messages.map(({ base, ending }) => ({
    base,
    keywords: names.listOf(keywords.get(base) ?? keywordsOfLetters(ending.text, letters)),
  }));
  const inUse = [...new Set(lists.flatMap((message) => message.keywords))].sort();
  if (inUse.length > 0) await writeKeywordList(dir, lists, inUse, folder.fileMode);
}

/** Messages that are as the cache remembers keep their mod-sequences. */
async function loadChanges(folder: Inside): Promise<void> {
  const store = folder.options.changes?.(folder.mailboxId) ?? memoryChangeStore();
  const turns = new Turns();
  const known = new Map<number, KnownState>();
  for (const state of store.load()) {
    known.set(state.uid, state);
    if (turns.over) await turns.pause();
  }
  folder.changes = store;
  folder.highestModseq = store.highest;
  const changed: Stored[] = [];
  for (const message of folder.table.list) {
    const state = known.get(message.uid);
    known.delete(message.uid);
    if (state !== undefined && isAs(folder, message, state)) message.modseq = state.modseq;
    else changed.push(message);
    if (turns.over) await turns.pause();
  }
  folder.noteFirst(changed, [...known.keys()]);
}

function isAs(folder: Inside, message: Stored, state: KnownState): boolean {
  if (state.flags !== message.flags) return false;
  if (state.keywords.length === 0 && message.keywords.length === 0) return true;
  return folder.table.names.listOf(state.keywords) === message.keywords;
}
