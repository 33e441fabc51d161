// Messages come in by APPEND, all or none:
//
//   1 they are in tmp, fsynced                         crash: garbage in tmp
//   2 under the lock, after a look at what others did: their UIDs and names into courierimapuiddb
//                                                      crash: lines of messages that never came; the UIDs are spent
//   3 their keywords                                   crash: also files that go after 15 minutes
//   4 link(2) to cur; it never overwrites              crash: they are there, with their UIDs, and nobody was told
//   5 fsync of courierimapuiddb and of cur             crash of the host before: some of them may be there
//   6 known in memory, and answered
//
// They go to cur at once, not to new: Courier gives another UID to whatever it finds in new.

import { unlinkSync } from 'node:fs';
import { errnoOf, faultOf } from '@q/fault';
import { fsyncDir, giveLink } from '@q/fsx';
import { pathOf } from './files.ts';
import type { Inside } from './inside.ts';
import { writeNewKeywords } from './keyword-sync.ts';
import { FLAG, type NewMessage } from './model.ts';
import { endingOf, endingWith } from './name.ts';
import { numberMessages, writeDown } from './numbering.ts';
import { QuotaChange } from './quota-change.ts';
import { type Settled, SpoolFile } from './spool.ts';
import { checkKeywords } from './store.ts';
import { Stored } from './table.ts';

/** To be run alone. Throws faults, and nothing of the messages is there then. */
export async function deliver(
  folder: Inside,
  messages: readonly NewMessage[],
): Promise<readonly Stored[]> {
  const spools = messages.map(({ spool }) => spoolFile(spool));
  try {
    checkKeywords(folder, {
      change: 'add',
      keywords: messages.flatMap(({ keywords }) => keywords),
    });
    const settled = await Promise.all(spools.map((spool, n) => spool.settle(messages[n]?.time)));
    const lock = await folder.lock();
    try {
      return await place(folder, messages, settled);
    } finally {
      lock.release();
    }
  } finally {
    for (const spool of spools) spool.discardNow();
  }
}

function spoolFile(spool: NewMessage['spool']): SpoolFile {
  if (spool instanceof SpoolFile) return spool;
  throw new TypeError('not a spool of a folder');
}

async function place(
  folder: Inside,
  messages: readonly NewMessage[],
  settled: readonly Settled[],
): Promise<readonly Stored[]> {
  await catchUp(folder);
  const stored = messages.map(({ flags, keywords }, n) => {
    const { base } = settled[n] as Settled;
    const message = new Stored(
      folder.uidNext + n,
      base,
      endingWith(flags & ~FLAG.passed, endingOf(':2,')),
    );
    message.keywords = folder.table.names.listOf(keywords);
    return message;
  });
  const settle = await writeDown(folder, stored);
  try {
    await writeNewKeywords(folder, stored);
    await folder.changingCur(() => linkAll(folder, stored, settled, settle));
  } catch (error) {
    for (const { base } of stored) folder.deadLines.add(base);
    throw faultOf(error, 'unable to store message');
  }
  const quota = new QuotaChange(folder);
  for (const [n, { flags }] of stored.entries()) quota.added(settled[n]?.size ?? 0, flags);
  quota.record();
  announce(folder, stored);
  return stored;
}

/** Messages that came in another way than through new are new all the same: the first session that asks sees them as \Recent. */
export function announce(folder: Inside, messages: readonly Stored[]): void {
  folder.table.add(messages);
  for (const { uid } of messages) folder.recent.push(uid);
  folder.note(messages, []);
}

/** Nothing of others may come up after ours with a smaller UID. Under the lock. */
export async function catchUp(folder: Inside): Promise<void> {
  await numberMessages(folder, new Map(), false);
}

async function linkAll(
  folder: Inside,
  messages: readonly Stored[],
  settled: readonly Settled[],
  settle: () => Promise<void>,
): Promise<void> {
  const linked: Stored[] = [];
  const written = settle();
  try {
    for (const [n, message] of messages.entries()) {
      // Before: where one cannot look, a link may be made although it is said to have failed.
      linked.push(message);
      giveLink((settled[n] as Settled).path, pathOf(folder.curPath, message.name));
    }
    await Promise.all([written, fsyncDir(folder.curPath)]);
  } catch (error) {
    await written.catch(() => {});
    if (errnoOf(error) === 'EEXIST') linked.pop(); // that one is somebody else's
    unlinkAll(folder, linked);
    throw error;
  }
}

export function unlinkAll(folder: Inside, messages: readonly Stored[]): void {
  for (const message of messages) {
    try {
      unlinkSync(pathOf(folder.curPath, message.name));
    } catch {
      // It is a message nobody was told of.
    }
  }
}
