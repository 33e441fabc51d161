// One queued message, read as qmail-queue-format(5) lays it out. It may change or go at any moment: qmail-send
// works on.

import { closeSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { errnoOf, Temporary } from '@q/fault';
import {
  type Channel,
  decodeInfo,
  type QueuePaths,
  type QueueRecord,
  RECORD_MAX,
  RecordDecoder,
} from '@q/queue-files';

export const CHANNELS: readonly Channel[] = ['local', 'remote'];

export interface MessageHead {
  readonly id: string;
  readonly sender: string;
  /** Seconds since 1970 at which the message was taken over from qmail-queue. */
  readonly birth: number;
  /** Bytes of the message; undefined when its file is gone. */
  readonly size: number | undefined;
  /** Some recipient has failed for good. */
  readonly bouncing: boolean;
}

export interface Recipient {
  readonly channel: Channel;
  readonly address: string;
  readonly done: boolean;
}

/** Undefined when there is no such message in S5. Throws the system error, or Temporary for a damaged file. */
export function readHead(paths: QueuePaths, id: string): MessageHead | undefined {
  const info = openIfThere(paths.info(id));
  if (info === undefined) return undefined;
  try {
    return {
      id,
      sender: senderIn(info),
      birth: Math.floor(fstatSync(info).mtimeMs / 1000),
      size: statIfThere(paths.mess(id))?.size,
      bouncing: statIfThere(paths.bounce(id)) !== undefined,
    };
  } finally {
    closeSync(info);
  }
}

/** The sender in an open info file. Throws the system error, or Temporary when it is damaged. */
export function senderIn(info: number): string {
  return decodeInfo(BUFFER.subarray(0, readSync(info, BUFFER, 0, BUFFER.length, 0)));
}

/** The recipients, local ones first, as they are read; a channel whose file is gone has none. */
export function* recipientsOf(paths: QueuePaths, id: string): Generator<Recipient, void, void> {
  for (const channel of CHANNELS) {
    const fd = openIfThere(paths.channel(channel, id));
    if (fd === undefined) continue;
    try {
      for (const { type, text } of recordsIn(fd))
        if (type === 'T' || type === 'D') yield { channel, address: text, done: type === 'D' };
    } finally {
      closeSync(fd);
    }
  }
}

/** The records of an open file from its start, in one small buffer whatever its size. */
export function* recordsIn(fd: number): Generator<QueueRecord, boolean, void> {
  const decoder = new RecordDecoder();
  for (let position = 0; ; ) {
    const n = readSync(fd, BUFFER, 0, BUFFER.length, position);
    if (n === 0) return decoder.atBoundary;
    position += n;
    // The decoder copies what it keeps: before anything is given out, the buffer is free again.
    yield* decoder.push(BUFFER.subarray(0, n));
  }
}

/** One for all: a hundred thousand files are read, and what is read is decoded at once. */
const BUFFER = Buffer.alloc(RECORD_MAX + 1);

/** What todo/N says: sender, and recipients as they were given. */
export function* envelopeOf(paths: QueuePaths, id: string): Generator<QueueRecord, void, void> {
  const fd = openIfThere(paths.todo(id));
  if (fd === undefined) return;
  try {
    yield* recordsIn(fd);
  } finally {
    closeSync(fd);
  }
}

export function openIfThere(path: string, flags: number | string = 'r'): number | undefined {
  // Most channels of most messages are not there, and an exception costs more than a look.
  if (statIfThere(path) === undefined) return undefined;
  try {
    return openSync(path, flags);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function statIfThere(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** What kind of trouble, in a few words, for lines that begin with the message's number. */
export function trouble(error: unknown): string {
  return error instanceof Temporary ? error.message : (errnoOf(error) ?? String(error));
}
