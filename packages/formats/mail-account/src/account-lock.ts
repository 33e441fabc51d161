// One at a time changes the names and lists of a Maildir: this file's lock says who. Deliveries and readers need it not,
// and Courier does not know it: each change is also one rename(2), so that without the lock at worst the later one wins.

import { constants } from 'node:fs';
import { join } from 'node:path';
import { faultOf, isFault } from '@q/fault';
import { closeFd, openLocked } from '@q/fsx';
import { NameFault } from './name-fault.ts';

const FILE = 'imapaccount.lock';
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Who is next in this process, by file. Waiting for flock(2) takes one of the process's few threads, which the holder
 * may need: so only one of us at a time waits there for each Maildir, and never for another of us.
 */
const waiting = new Map<string, Promise<unknown>>();

/** Runs `change` while no other program of ours changes this Maildir. Throws what it throws, or a fault. */
export async function withLock<Result>(
  root: string,
  change: () => Promise<Result>,
): Promise<Result> {
  const path = join(root, FILE);
  const turn = (waiting.get(path) ?? Promise.resolve()).then(() => underFileLock(path, change));
  const settled = turn.then(
    () => {},
    () => {},
  );
  waiting.set(path, settled);
  try {
    return await turn;
  } finally {
    if (waiting.get(path) === settled) waiting.delete(path);
  }
}

async function underFileLock<Result>(path: string, change: () => Promise<Result>): Promise<Result> {
  try {
    const fd = await openLocked(path, FLAGS);
    try {
      return await change();
    } finally {
      await closeFd(fd);
    }
  } catch (error) {
    if (error instanceof NameFault || isFault(error)) throw error;
    throw faultOf(error, 'unable to change the mailboxes');
  }
}
