// maildir2mbox(1): moves the messages of $MAILDIR to the end of the mbox file $MAIL, by way of $MAILTMP.
// What a crash leaves after each step; never is a message in neither place:
//
//   1 lock $MAIL, and make sure it is still the file of that name
//   2 copy $MAIL, then the messages, to a new $MAILTMP, fsync    a partial $MAILTMP, replaced by the next run
//   3 rename $MAILTMP to $MAIL, fsync of the directory           the messages are in both places: the next run
//   4 unlink the messages                                        puts those that are left into $MAIL again

import { constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errnoOf, errnoText, faultOf, Permanent, Temporary } from '@q/fault';
import {
  closeFd,
  createExclusive,
  fsyncDir,
  fsyncFd,
  GatheredWriter,
  openFd,
  openLocked,
  readChunks,
  renameFile,
  unlinkFile,
  unlinkIfThere,
} from '@q/fsx';
import {
  cleanTmp,
  type Entry,
  entryPath,
  openEntry,
  type Removed,
  recordRemoved,
  scanMaildir,
  statEntry,
} from '@q/maildir';
import { MboxrdEncoder } from '@q/message';
import type { Invocation } from '@q/proc';
import { doing } from './doing.ts';
import { separatorFor } from './from-line.ts';
import { WRITE_SIZE } from './limits.ts';

const MAIL_FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

interface Message {
  readonly entry: Entry;
  /** Unix time in seconds. */
  readonly mtime: number;
  readonly bytes: number;
}

/** What it was called with, and what it says. */
interface MailPlaces {
  readonly maildir: string;
  readonly mail: string;
  readonly mailTmp: string;
  /** One line of warning. */
  readonly warn: (text: string) => void;
}

export async function maildir2mboxMain({ env }: Invocation): Promise<number> {
  const set = (name: string) => {
    const value = env[name];
    if (value === undefined) throw new Temporary(`${name} not set`);
    return value;
  };
  // Relative to the maildir, as they always were.
  const [mail, mailTmp, maildir] = [set('MAIL'), set('MAILTMP'), set('MAILDIR')];
  const inMaildir = (path: string) => resolve(maildir, path);
  const warn = (text: string) => process.stderr.write(`maildir2mbox: warning: ${text}\n`);
  try {
    await moveToMbox({ maildir, mail: inMaildir(mail), mailTmp: inMaildir(mailTmp), warn });
    return 0;
  } catch (error) {
    const fault = faultOf(error, 'unable to move the messages');
    // Every trouble is 111 here: nothing was lost, and it can be tried again.
    throw fault instanceof Permanent ? new Temporary(fault.message, { cause: error }) : fault;
  }
}

/** Does nothing when there is no message. Throws a fault, and then $MAIL and the messages are as they were. */
async function moveToMbox(places: MailPlaces): Promise<void> {
  const { maildir, mail, mailTmp, warn } = places;
  await doing(`unable to chdir to ${maildir}`, () => statSync(maildir));
  await cleanTmp(maildir).catch(() => 0); // Garbage may stay.
  const messages = await messagesOf(maildir);
  if (messages.length === 0) return;
  const lock = await doing(`unable to lock ${mail}`, () => openLocked(mail, MAIL_FLAGS));
  try {
    await doing(`unable to create ${mailTmp}`, () => unlinkIfThere(mailTmp));
    const fd = await doing(`unable to create ${mailTmp}`, () => createExclusive(mailTmp, 0o600));
    let moved: Message[];
    try {
      moved = await writeMbox(fd, places, messages);
      await doing(`unable to move ${mailTmp} to ${mail}`, () => renameFile(mailTmp, mail));
    } catch (error) {
      await unlinkIfThere(mailTmp).catch(() => false);
      throw error;
    }
    await doing(`unable to sync ${dirname(mail)}`, () => fsyncDir(dirname(mail)));
    const removed: Removed[] = [];
    for (const { entry, bytes } of moved)
      if (await remove(maildir, entry, warn)) removed.push({ ...entry, bytes });
    recordRemoved(maildir, removed);
  } finally {
    await closeFd(lock);
  }
}

/** Oldest first. Those of this very second stay for the next run: more may come, and the order would be mixed. */
async function messagesOf(maildir: string): Promise<Message[]> {
  const now = Math.floor(Date.now() / 1000);
  const messages: Message[] = [];
  for (const entry of await scanMaildir(maildir)) {
    const stats = await statEntry(maildir, entry);
    if (stats !== undefined && stats.mtime < now)
      messages.push({ entry, mtime: stats.mtime, bytes: stats.size });
  }
  return messages.sort((a, b) => a.mtime - b.mtime || (a.entry.name < b.entry.name ? -1 : 1));
}

/** Writes the old mbox and the messages to `fd`, fsyncs and closes it; resolves to the messages that are in it. */
async function writeMbox(
  fd: number,
  { maildir, mail, mailTmp }: MailPlaces,
  messages: readonly Message[],
): Promise<Message[]> {
  const moved: Message[] = [];
  const unwritable = `unable to write to ${mailTmp}`;
  const out = new GatheredWriter(fd, WRITE_SIZE);
  const write = (bytes: Uint8Array) => doing(unwritable, () => out.write(bytes));
  try {
    await copyMbox(mail, write);
    for (const message of messages) {
      const name = `$MAILDIR/${message.entry.dir}/${message.entry.name}`;
      const source = await doing(`unable to read ${name}`, () => openEntry(maildir, message.entry));
      if (source === undefined) continue; // A mail reader moved it: the next run finds it.
      try {
        await copyMessage(source, name, message.mtime, write);
      } finally {
        await closeFd(source);
      }
      moved.push(message);
    }
    await doing(unwritable, () => out.flush());
    await doing(unwritable, () => fsyncFd(fd));
  } finally {
    await doing(unwritable, () => closeFd(fd)); // NFS tells some write errors only now.
  }
  return moved;
}

type Write = (bytes: Uint8Array) => Promise<void>;

async function copyMbox(mail: string, write: Write): Promise<void> {
  const unreadable = `unable to read ${mail}`;
  const fd = await doing(unreadable, () => openFd(mail, constants.O_RDONLY));
  try {
    let last = LF;
    for await (const chunk of reading(fd, unreadable)) {
      last = chunk[chunk.length - 1] as number;
      await write(chunk);
    }
    // Otherwise the next separator would not stand at the start of a line, and two messages would be one.
    if (last !== LF) await write(Buffer.from('\n\n'));
  } finally {
    await closeFd(fd);
  }
}

async function copyMessage(fd: number, name: string, mtime: number, write: Write): Promise<void> {
  const encoder = new MboxrdEncoder();
  let first = true;
  for await (const chunk of reading(fd, `unable to read ${name}`)) {
    if (first) await write(separatorFor(chunk, mtime));
    first = false;
    for (const piece of encoder.push(chunk)) await write(piece);
  }
  if (first) await write(separatorFor(Buffer.alloc(0), mtime));
  await write(encoder.finish());
}

async function* reading(fd: number, what: string): AsyncGenerator<Buffer, void, undefined> {
  const chunks = readChunks(fd, 0);
  for (;;) {
    const step = await doing(what, () => chunks.next());
    if (step.done === true) return;
    yield step.value;
  }
}

async function remove(maildir: string, entry: Entry, warn: MailPlaces['warn']): Promise<boolean> {
  try {
    await unlinkFile(entryPath(maildir, entry));
    return true;
  } catch (error) {
    const name = `$MAILDIR/${entry.dir}/${entry.name}`;
    const text = `${name} will be delivered twice; unable to unlink: ${errnoText(error)}`;
    warn(errnoOf(error) === 'ENOENT' ? `${text}: a mail reader may have renamed it` : text);
    return false;
  }
}

const LF = 10;
