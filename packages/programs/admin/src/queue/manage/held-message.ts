// One message in S5, held so that what is done to it is done to it and no other. Message numbers are used
// again: between a look and a deed a message may end and another get its number. Its open info file is the
// proof. As long as info/N is the file we have open, the message has not ended, for info goes last; and once
// it is not in todo, its channel files are complete, for todo goes after them.

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  futimesSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { errnoOf } from '@q/fault';
import { type Channel, DONE_MARK, type QueuePaths } from '@q/queue-files';
import {
  CHANNELS,
  openIfThere,
  type Recipient,
  recordsIn,
  senderIn,
  statIfThere,
} from '../message.ts';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW;
const CHANGE = constants.O_RDWR | constants.O_NOFOLLOW;

export class HeldMessage {
  readonly id: string;
  readonly sender: string;
  /** Seconds since 1970. */
  readonly birth: number;
  readonly #paths: QueuePaths;
  readonly #info: number;
  readonly #channels: ReadonlyMap<Channel, number>;

  private constructor(paths: QueuePaths, id: string, info: number, channels: Map<Channel, number>) {
    this.id = id;
    this.#paths = paths;
    this.#info = info;
    this.#channels = channels;
    this.sender = senderIn(info);
    this.birth = Math.floor(fstatSync(info).mtimeMs / 1000);
  }

  /** Undefined when it is not there, or not in S5 just now. Throws the system error, or Temporary for damage. */
  static open(paths: QueuePaths, id: string): HeldMessage | undefined {
    const info = openIfThere(paths.info(id), READ);
    if (info === undefined) return undefined;
    const channels = new Map<Channel, number>();
    try {
      if (statIfThere(paths.todo(id)) === undefined) {
        for (const channel of CHANNELS) {
          const fd = openIfThere(paths.channel(channel, id), CHANGE);
          if (fd !== undefined) channels.set(channel, fd);
        }
        if (isAt(info, paths.info(id))) return new HeldMessage(paths, id, info, channels);
      }
    } catch (error) {
      closeAll([info, ...channels.values()]);
      throw error;
    }
    closeAll([info, ...channels.values()]);
    return undefined;
  }

  *recipients(): Generator<Recipient, void, void> {
    for (const [channel, fd] of this.#channels)
      for (const { type, text } of recordsIn(fd))
        if (type === 'T' || type === 'D') yield { channel, address: text, done: type === 'D' };
  }

  /**
   * Marks the waiting recipients that `chosen` accepts as done, durably, and gives their number. Safe beside
   * qmail-send: it writes the same byte at the same place when a delivery ends, and at its next pass passes
   * over what is marked. A delivery that has begun goes on.
   */
  markDone(chosen: (address: string) => boolean): number {
    let marked = 0;
    for (const fd of this.#channels.values()) {
      const before = marked;
      for (const { type, text, offset } of recordsIn(fd)) {
        if (type !== 'T' || !chosen(text)) continue;
        writeSync(fd, DONE_MARK, 0, DONE_MARK.length, offset);
        marked++;
      }
      if (marked > before) fsyncSync(fd);
    }
    return marked;
  }

  /** Forgets what has failed: no bounce will be sent for it. Safe beside qmail-send, which makes the file anew. */
  dropBounce(): void {
    if (isAt(this.#info, this.#paths.info(this.id))) remove(this.#paths.bounce(this.id));
  }

  /** Sets the message's birth, durably. qmail-send reads it when a pass begins. */
  setBirth(seconds: number): void {
    futimesSync(this.#info, seconds, seconds);
    fsyncSync(this.#info);
  }

  /** Sets when each channel is due. Only a qmail-send that starts later reads it. */
  setDue(seconds: number): void {
    for (const fd of this.#channels.values()) {
      futimesSync(fd, seconds, seconds);
      fsyncSync(fd);
    }
  }

  /**
   * Removes everything that qmails owns of the message: it must be marked done, and qmail-send must not
   * run. A crash after any step leaves a message without recipients, which qmail-send finishes.
   */
  removeFiles(): void {
    const { id } = this;
    const paths = this.#paths;
    for (const path of [paths.bounce(id), paths.local(id), paths.remote(id), paths.info(id)])
      remove(path);
  }

  /** Removes what a qmail-send that did not finish made of a message in todo. No qmail-send may run. */
  static removeLeftovers(paths: QueuePaths, id: string): void {
    for (const path of [paths.local(id), paths.remote(id), paths.info(id)]) remove(path);
  }

  close(): void {
    closeAll([this.#info, ...this.#channels.values()]);
  }
}

function isAt(fd: number, path: string): boolean {
  const held = fstatSync(fd);
  const named = statIfThere(path);
  return named !== undefined && named.ino === held.ino && named.dev === held.dev;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function closeAll(fds: Iterable<number>): void {
  for (const fd of fds) closeSync(fd);
}
