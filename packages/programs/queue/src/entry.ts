// One message on its way into the queue: the writing half of qmail-queue(8).
//
// The steps, and what a crash after each leaves (states as in @q/queue-files):
//
//   create pid/X, exclusive          pid/X: garbage, removed by qmail-clean after 36 h
//   link it to mess/S/N, N = inode   S2 plus pid/X: garbage
//   unlink pid/X                     S2: garbage, removed by qmail-send after 36 h
//   write Received and the message
//   create intd/N, write             S3: garbage like S2
//   fsync both files, then mess/S    S3; everything that S4 needs is on disk
//   link intd/N to todo/N            S4: queued
//   fsync todo                       S4 for good: only now the caller hears of success
//
// Durable must be: mess/S/N and its name, what todo/N holds and its name. The name intd/N need not be: it is
// the same file as todo/N, and S4 does without. mess/S comes after its file, whose journal commit has its name in
// most file systems, so that there is nothing left to wait for. A message that is alone is synced by this thread;
// of several, both files of each are synced side by side, and syncs of directories are shared (DirectorySync), as is
// the waking of qmail-send. Everything else is done at once (see @q/fsx, fd.ts).
//
// Trouble before the link truncates and unlinks intd/N, then mess/S/N. After the link nothing is taken
// back: qmail-send may have seen it.

import { closeSync, fstatSync, linkSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { EnvelopeDecoder } from '@q/address';
import { Temporary } from '@q/fault';
import {
  createExclusiveSync,
  type DirectorySync,
  fsyncFd,
  writeFully,
  writeFullySync,
} from '@q/fsx';
import { receivedByQueue } from '@q/message';
import { giveBackRoom, ROOM_SIZE, takeRoom } from '@q/net';
import { encodeIntdHead, messageIdOf, QUEUE_ALARM, type QueuePaths } from '@q/queue-files';
import { type Queued, QueueExit, type QueueSink } from '@q/queue-socket';
import type { Committers } from './committers.ts';
import { createPidFile, type PidNames } from './pid-names.ts';
import { isAbsent, remove, removeSync } from './removal.ts';
import { faultFor, step, stepNow } from './steps.ts';
import { AT_ONCE, besideOthers, type Syncs } from './syncs.ts';

const MODE = 0o644;

export interface EntryOptions {
  readonly paths: QueuePaths;
  readonly names: PidNames;
  /** Shared by all messages of the process. */
  readonly directories: DirectorySync;
  /** All who commit in this process; undefined: there is only this message. */
  readonly committers?: Committers | undefined;
  /** Wakes qmail-send. Nobody waits for it, and it may fail: qmail-send looks by itself now and then. */
  readonly wake: () => void;
  /** Who queues it: recorded in intd as u. */
  readonly uid: number;
  /** How the Received line says that: invokedBy of @q/message. */
  readonly who: string;
  /** Recorded as p and in the Received line; undefined: the message number stands for it. */
  readonly pid: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

type State =
  | 'new' // nothing on disk
  | 'message' // mess/S/N exists and grows
  | 'envelope' // intd/N exists and grows
  | 'linked' // todo/N may exist: hands off
  | 'gone'; // given up

export class QueueEntry implements QueueSink {
  readonly #options: EntryOptions;
  readonly #now: () => number;
  readonly #started: number;
  readonly #envelope: EnvelopeDecoder;
  #state: State = 'new';
  #number = '';
  #mess = -1;
  #intd = -1;
  #messPath = '';
  #intdPath: string | undefined;
  /** What is gathered for the file that grows, before a write(2). */
  #room: Buffer | undefined;
  #gathered = 0;
  #large = false;
  #messSynced: Promise<unknown> | undefined;

  constructor(options: EntryOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#started = this.#now();
    this.#envelope = new EnvelopeDecoder({
      sender: (address) => this.#gatherText(`F${address}\0`, this.#intd),
      recipient: (address) => this.#gatherText(`T${address}\0`, this.#intd),
    });
  }

  /** True once the envelope's final NUL has been read. */
  get envelopeDone(): boolean {
    return this.#envelope.done;
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#state === 'new') this.#createMessage();
    for (let at = 0; at < bytes.length; ) {
      if (this.#gathered === ROOM_SIZE) {
        this.#large = true;
        await this.#flush(this.#mess);
      }
      at += this.#gather(bytes, at);
    }
  }

  /**
   * A large message starts on its way to the disk while the envelope is read. A small one waits for the
   * envelope, whose fsync then shares its journal commit.
   */
  async endMessage(): Promise<void> {
    if (this.#state === 'new') this.#createMessage();
    this.#flushNow(this.#mess);
    if (this.#large) this.#syncMessage(besideOthers(this.#options.directories));
    const path = this.#options.paths.intd(this.#number);
    this.#intd = stepNow(QueueExit.NO_ENVELOPE_FILE, 'unable to create in intd', () =>
      createExclusiveSync(path, MODE),
    );
    this.#intdPath = path;
    this.#state = 'envelope';
    this.#gather(encodeIntdHead({ uid: this.#options.uid, pid: this.#qp }), 0);
  }

  async writeEnvelope(bytes: Buffer): Promise<void> {
    this.#envelope.push(bytes);
  }

  async commit(): Promise<Queued> {
    this.#envelope.finish();
    this.#flushNow(this.#intd);
    const { committers, directories } = this.#options;
    const alone = committers === undefined || (await committers.enter());
    try {
      // A large message takes the disk long: nobody is to wait for that who could be served meanwhile.
      await this.#commit(alone && !this.#large ? AT_ONCE : besideOthers(directories));
    } finally {
      committers?.leave();
    }
    return { number: this.#number, qp: this.#qp };
  }

  async #commit(syncs: Syncs): Promise<void> {
    const envelope = step(QueueExit.WRITE_ERROR, 'unable to sync the envelope', () =>
      fsyncFd(this.#intd),
    );
    await Promise.all([envelope, this.#messSynced ?? this.#syncMessage(syncs)]);
    this.#checkStillOurs();
    this.#close();
    this.#link();
    try {
      const todo = this.#options.paths.directory('todo');
      await step(QueueExit.NO_TODO_LINK, 'unable to sync todo', () => syncs.directory(todo));
    } finally {
      this.#options.wake();
    }
  }

  async abort(): Promise<void> {
    const state = this.#state;
    if (state === 'linked') return;
    this.#state = 'gone';
    this.#room = undefined;
    this.#gathered = 0;
    if (state === 'new' || state === 'gone') return;
    await this.#messSynced?.catch(() => {});
    // intd first: a mess file alone is garbage to everyone, an intd file alone to nobody.
    await remove(this.#intd, this.#intdPath);
    await remove(this.#mess, this.#messPath);
    try {
      this.#close();
    } catch {
      // Nothing of it is kept.
    }
  }

  /** For the alarm, when the process ends right after: leaves nothing behind unless it is too late for that. */
  abandonSync(): void {
    if (this.#state === 'message' || this.#state === 'envelope') {
      removeSync(this.#intdPath);
      removeSync(this.#messPath);
    }
    if (this.#state !== 'linked') this.#state = 'gone';
  }

  get #qp(): string {
    return String(this.#options.pid ?? this.#number);
  }

  #createMessage(): void {
    const { paths, names, who } = this.#options;
    const { fd, path } = createPidFile(paths, names, this.#now());
    try {
      const { ino } = stepNow(QueueExit.NO_PID_FILE, 'unable to stat in pid', () =>
        fstatSync(fd, { bigint: true }),
      );
      this.#number = messageIdOf(ino);
      this.#messPath = paths.mess(this.#number);
      stepNow(QueueExit.NO_MESSAGE_LINK, 'unable to link into mess', () =>
        linkSync(path, this.#messPath),
      );
      this.#mess = fd;
      this.#state = 'message';
      stepNow(QueueExit.NO_PID_FILE, 'unable to unlink in pid', () => unlinkSync(path));
    } catch (error) {
      removeSync(path);
      if (this.#state === 'new') closeSync(fd);
      throw error;
    }
    const now = Math.floor(this.#now() / 1000);
    this.#gatherText(receivedByQueue({ pid: this.#qp, who, now }), this.#mess);
  }

  #syncMessage(syncs: Syncs): Promise<unknown> {
    const directory = dirname(this.#messPath);
    const { WRITE_ERROR, NO_MESSAGE_LINK } = QueueExit;
    this.#messSynced = step(WRITE_ERROR, 'unable to sync the message', () =>
      syncs.file(this.#mess),
    ).then(() => step(NO_MESSAGE_LINK, 'unable to sync mess', () => syncs.directory(directory)));
    this.#messSynced.catch(() => {}); // commit() awaits it
    return this.#messSynced;
  }

  /**
   * After 36 h qmail-send takes an unfinished message for garbage. A machine that slept can bring us back
   * later than that, before any timer has fired: what has been removed must not be committed.
   */
  #checkStillOurs(): void {
    if (this.#now() - this.#started > QUEUE_ALARM * 1000)
      throw new Temporary('the message took too long', { exitCode: QueueExit.TIMEOUT });
    const { nlink } = stepNow(QueueExit.WRITE_ERROR, 'unable to stat in mess', () =>
      fstatSync(this.#mess),
    );
    if (nlink !== 1)
      throw new Temporary('the message was removed', { exitCode: QueueExit.NO_MESSAGE_LINK });
  }

  #link(): void {
    const todo = this.#options.paths.todo(this.#number);
    this.#state = 'linked';
    try {
      linkSync(this.#intdPath as string, todo);
    } catch (error) {
      // Only when todo/N is certainly not there may the rest be removed.
      if (isAbsent(todo)) this.#state = 'envelope';
      throw faultFor(QueueExit.NO_TODO_LINK, 'unable to link into todo', error);
    }
  }

  /** Takes of `bytes`, from `at` on, as many as there is room for, and says how many. */
  #gather(bytes: Buffer, at: number): number {
    this.#room ??= takeRoom();
    const count = bytes.copy(this.#room, this.#gathered, at);
    this.#gathered += count;
    return count;
  }

  /** All of a latin1 text, which is a line or an address: shorter than a room. */
  #gatherText(text: string, fd: number): void {
    if (this.#gathered + text.length > ROOM_SIZE) this.#flushNow(fd);
    this.#room ??= takeRoom();
    this.#gathered += this.#room.write(text, this.#gathered, 'latin1');
  }

  /** For blocks of a message that streams in: where the disk is too slow for it, the others go on. */
  async #flush(fd: number): Promise<void> {
    if (this.#room === undefined) return;
    const bytes = this.#room.subarray(0, this.#gathered);
    await step(QueueExit.WRITE_ERROR, 'unable to write', () => writeFully(fd, bytes));
    this.#gathered = 0;
  }

  /** And the room is the next message's. */
  #flushNow(fd: number): void {
    const room = this.#room;
    if (room === undefined) return;
    const bytes = room.subarray(0, this.#gathered);
    stepNow(QueueExit.WRITE_ERROR, 'unable to write', () => writeFullySync(fd, bytes));
    this.#room = undefined;
    this.#gathered = 0;
    giveBackRoom(room);
  }

  #close(): void {
    const open = [this.#mess, this.#intd].filter((fd) => fd >= 0);
    this.#mess = -1;
    this.#intd = -1;
    let trouble: Temporary | undefined;
    for (const fd of open) {
      try {
        closeSync(fd);
      } catch (error) {
        trouble ??= faultFor(QueueExit.WRITE_ERROR, 'unable to close', error);
      }
    }
    if (trouble !== undefined) throw trouble;
  }
}
