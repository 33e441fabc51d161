// Delivery to an mbox file: append under flock, all or nothing as far as a file can. mbox(5), qmail-local(8).

import { constants, ftruncate } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { bytesOf } from '@q/bytes';
import { errnoText, Temporary } from '@q/fault';
import { closeFd, fstatFd, fsyncFd, leadsTo, openFd, tryFlock, writeFully } from '@q/fsx';
import { MboxrdEncoder } from '@q/message';
import { MBOX_LOCK_POLL, MBOX_LOCK_SECONDS } from './limits.ts';
import { type MessageFile, MessageReadError } from './message-file.ts';

const O_FLAGS = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_APPEND | constants.O_CREAT;

export interface MboxOptions {
  /** Seconds to wait for the lock. */
  readonly lockSeconds?: number;
}

/**
 * Appends `head` (From_, Return-Path and Delivered-To lines, latin1) and the quoted message to the file
 * `name` (latin1) and makes them durable. On trouble the file gets its old length back, if the lock says
 * that nobody else has written since. Throws Temporary with qmail-local's texts.
 */
export async function deliverToMbox(
  name: string,
  head: string,
  message: Pick<MessageFile, 'chunks'>,
  options: MboxOptions = {},
): Promise<void> {
  const deadline = performance.now() + (options.lockSeconds ?? MBOX_LOCK_SECONDS) * 1000;
  for (;;) {
    const fd = await open(name);
    try {
      const locked = await lock(fd, deadline);
      if (locked && !(await hasName(fd, name))) continue;
      return await append(fd, name, locked, head, message);
    } finally {
      await closeFd(fd).catch(() => {}); // fsync has told already what a close could
    }
  }
}

function open(name: string): Promise<number> {
  return openFd(bytesOf(name), O_FLAGS, 0o600).catch((cause: unknown) => {
    throw unopenable(name, cause);
  });
}

function unopenable(name: string, cause: unknown): Temporary {
  return new Temporary(`Unable to open ${name}: ${errnoText(cause)}. (#4.2.1)`, { cause });
}

/**
 * False if the file is not the one of that name any more: whoever had the lock before us (maildir2mbox, a mail
 * reader) has put a new file in its place, and what were written here would be in no mailbox.
 */
async function hasName(fd: number, name: string): Promise<boolean> {
  try {
    return await leadsTo(fd, bytesOf(name), O_FLAGS);
  } catch (cause) {
    throw unopenable(name, cause);
  }
}

async function append(
  fd: number,
  name: string,
  locked: boolean,
  head: string,
  message: Pick<MessageFile, 'chunks'>,
): Promise<void> {
  const unable = (cause: unknown) =>
    cause instanceof MessageReadError
      ? cause
      : new Temporary(`Unable to write ${name}: ${errnoText(cause)}. (#4.3.0)`, { cause });
  let end: bigint | undefined;
  try {
    const before = await fstatFd(fd);
    if (before.isFile()) end = before.size;
    await writeFully(fd, bytesOf(head));
    const encoder = new MboxrdEncoder();
    for (const chunk of message.chunks()) {
      for (const piece of encoder.push(chunk)) await writeFully(fd, piece);
    }
    await writeFully(fd, encoder.finish());
    await fsyncFd(fd);
  } catch (error) {
    if (locked && end !== undefined) {
      // Should this fail too, a part of a message stays; the whole one comes again.
      await promisify(ftruncate)(fd, Number(end)).catch(() => {});
    }
    throw unable(error);
  }
}

/**
 * True once the lock is ours; false where the file cannot be locked at all (some network file systems),
 * and then the delivery goes on without. Throws Temporary when another holds it for too long. The lock is
 * asked for again and again: a thread blocked in flock(2) could not be called off.
 */
async function lock(fd: number, deadline: number): Promise<boolean> {
  for (let pause: number = MBOX_LOCK_POLL.first; ; ) {
    try {
      if (tryFlock(fd, 'exclusive')) return true;
    } catch {
      return false;
    }
    if (performance.now() >= deadline)
      throw new Temporary('File has been locked for 30 seconds straight. (#4.3.0)');
    await sleep(pause);
    pause = Math.min(pause * 2, MBOX_LOCK_POLL.longest);
  }
}
