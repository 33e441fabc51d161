// What vdeliver knows of a mailbox's quota besides maildirsize: the file `vdeliver-quota` in the mailbox.
//
//   file  = owner SP percent SP seconds LF
//   owner = "record" / "maildirsize"
//
// Example: record 80 1795334409
//
// Where the quota in maildirsize comes from: if from the user's record, it goes when the record has none any more.
// Then the percentage that the user was last warned at, 0 for never, and when.

import { closeSync, constants, openSync, readSync, renameSync, unlinkSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { createExclusiveSync, writeFullySync } from '@q/fsx';
import { uniqueName } from '@q/maildir';

export interface QuotaState {
  readonly owner: 'record' | 'maildirsize';
  readonly percent: number;
  /** Unix time in seconds. */
  readonly time: number;
}

/** One that is missing or makes no sense says that nobody was warned, and that maildirsize is not ours. */
export function readQuotaState(maildir: string): QuotaState {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = openSync(pathOf(maildir), flags);
    try {
      const bytes = Buffer.alloc(64);
      const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
      const [, owner, percent, time] =
        /^(record|maildirsize) ([0-9]{1,3}) ([0-9]{1,15})\n$/.exec(text) ?? [];
      if (owner === undefined) return NOTHING;
      return { owner: owner as QuotaState['owner'], percent: Number(percent), time: Number(time) };
    } finally {
      closeSync(fd);
    }
  } catch {
    return NOTHING;
  }
}

const NOTHING: QuotaState = { owner: 'maildirsize', percent: 0, time: 0 };

/** False when it could not be written. */
export function writeQuotaState(maildir: string, state: QuotaState): boolean {
  const { owner, percent, time } = state;
  const tmp = bytesOf(`${maildir}/tmp/${uniqueName()}`);
  try {
    const fd = createExclusiveSync(tmp, 0o600);
    try {
      writeFullySync(fd, Buffer.from(`${owner} ${percent} ${Math.floor(time)}\n`));
    } finally {
      closeSync(fd);
    }
    renameSync(tmp, pathOf(maildir));
    return true;
  } catch {
    unlinkQuietly(tmp);
    return false;
  }
}

export function removeQuotaState(maildir: string): void {
  unlinkQuietly(pathOf(maildir));
}

function pathOf(maildir: string): Buffer {
  return bytesOf(`${maildir}/vdeliver-quota`);
}

function unlinkQuietly(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not ours.
  }
}
