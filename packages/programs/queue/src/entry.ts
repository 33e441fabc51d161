// One message on its way into the queue: the writing half of qmail-queue(8).
//
// The steps, and what a crash after each leaves (states as in @q/queue-files):
//
//   create pid/X, exclusive          pid/X: garbage, removed by qmail-clean after 36 h
//   link it to mess/S/N, N = inode   S2 plus pid/X: garbage
//   unlink pid/X                     S2: garbage, removed by qmail-send after 36 h
//   write Received and the message
//   fsync it and mess/S
//   create intd/N, write, fsync      S3: garbage like S2
//   link intd/N to todo/N            S4: queued; everything it needs is on disk already
//   fsync todo                       S4 for good: only now the caller hears of success
//
// intd is not fsynced as a directory for the commit's sake (todo/N is the same file), but so that a
// crash leaves the S4 that qmail-send expects. Trouble before the link truncates and unlinks intd/N,
// then mess/S/N. After the link nothing is taken back: qmail-send may have seen it.

import { constants, ftruncate, unlinkSync } from 'node:fs';
import { EnvelopeDecoder } from '@q/address';
import { errnoOf, errnoText, Temporary } from '@q/fault';
import {
  closeFd,
  createExclusive,
  fstatFd,
  fsyncDir,
  fsyncFd,
  linkFile,
  openFd,
  pullTrigger,
  unlinkFile,
  unlinkIfThere,
  writeFully,
} from '@q/fsx';
import { receivedByQueue } from '@q/message';
import { encodeIntdHead, messageIdOf, QUEUE_ALARM, type QueuePaths, splitOf } from '@q/queue-files';
import { type Queued, QueueExit, type QueueSink } from '@q/queue-socket';
import { BLOCK, PID_NAME_TRIES } from './limits.ts';
import type { PidNames } from './pid-names.ts';

const MODE = 0o644;

export interface EntryOptions {
  readonly paths: QueuePaths;
  readonly names: PidNames;
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
  #intdPath: string | undefined;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #messSynced: Promise<unknown> = Promise.resolve();

  constructor(options: EntryOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#started = this.#now();
    this.#envelope = new EnvelopeDecoder({
      sender: (address) => this.#gather(Buffer.from(`F${address}\0`, 'latin1')),
      recipient: (address) => this.#gather(Buffer.from(`T${address}\0`, 'latin1')),
    });
  }

  /** True once the envelope's final NUL has been read. */
  get envelopeDone(): boolean {
    return this.#envelope.done;
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#state === 'new') await this.#createMessage();
    this.#gather(bytes);
    if (this.#pendingBytes >= BLOCK) await this.#flush(this.#mess);
  }

  /** Starts the fsync and does not wait for it: the envelope is read meanwhile. */
  async endMessage(): Promise<void> {
    if (this.#state === 'new') await this.#createMessage();
    await this.#flush(this.#mess);
    const { paths } = this.#options;
    this.#messSynced = Promise.all([
      step(QueueExit.WRITE_ERROR, 'unable to sync the message', fsyncFd(this.#mess)),
      step(
        QueueExit.NO_MESSAGE_LINK,
        'unable to sync mess',
        fsyncDir(paths.splitDirectory('mess', splitOf(this.#number))),
      ),
    ]);
    this.#messSynced.catch(() => {}); // commit() awaits it
    const path = paths.intd(this.#number);
    const created = createExclusive(path, MODE);
    this.#intd = await step(QueueExit.NO_ENVELOPE_FILE, 'unable to create in intd', created);
    this.#intdPath = path;
    this.#state = 'envelope';
    this.#gather(encodeIntdHead({ uid: this.#options.uid, pid: this.#qp }));
  }

  async writeEnvelope(bytes: Buffer): Promise<void> {
    this.#envelope.push(bytes);
    if (this.#pendingBytes >= BLOCK) await this.#flush(this.#intd);
  }

  async commit(): Promise<Queued> {
    this.#envelope.finish();
    const { paths } = this.#options;
    const number = this.#number;
    await this.#flush(this.#intd);
    await Promise.all([
      this.#messSynced,
      step(QueueExit.WRITE_ERROR, 'unable to sync the envelope', fsyncFd(this.#intd)),
      step(QueueExit.NO_ENVELOPE_FILE, 'unable to sync intd', fsyncDir(paths.directory('intd'))),
    ]);
    await this.#checkStillOurs();
    await this.#close(QueueExit.WRITE_ERROR);
    await this.#link();
    try {
      await step(QueueExit.NO_TODO_LINK, 'unable to sync todo', fsyncDir(paths.directory('todo')));
    } finally {
      pullTrigger(paths.lock('trigger'));
    }
    return { number, qp: this.#qp };
  }

  async abort(): Promise<void> {
    const state = this.#state;
    if (state === 'linked') return;
    this.#state = 'gone';
    this.#pending = [];
    if (state === 'new' || state === 'gone') return;
    await this.#messSynced.catch(() => {});
    // intd first: a mess file alone is garbage to everyone, an intd file alone to nobody.
    await remove(this.#intd, this.#intdPath);
    await remove(this.#mess, this.#options.paths.mess(this.#number));
    await this.#close(QueueExit.WRITE_ERROR).catch(() => {});
  }

  /** For the alarm, when the process ends right after: leaves nothing behind unless it is too late for that. */
  abandonSync(): void {
    if (this.#state === 'message' || this.#state === 'envelope') {
      removeSync(this.#intdPath);
      removeSync(this.#options.paths.mess(this.#number));
    }
    if (this.#state !== 'linked') this.#state = 'gone';
  }

  get #qp(): string {
    return String(this.#options.pid ?? this.#number);
  }

  async #createMessage(): Promise<void> {
    const { paths, names, who } = this.#options;
    const { fd, path } = await createPidFile(paths, names, this.#now());
    try {
      const stats = await step(QueueExit.NO_PID_FILE, 'unable to stat in pid', fstatFd(fd));
      this.#number = messageIdOf(stats.ino);
      const linked = linkFile(path, paths.mess(this.#number));
      await step(QueueExit.NO_MESSAGE_LINK, 'unable to link into mess', linked);
      this.#mess = fd;
      this.#state = 'message';
      await step(QueueExit.NO_PID_FILE, 'unable to unlink in pid', unlinkFile(path));
    } catch (error) {
      await unlinkIfThere(path).catch(() => {});
      if (this.#state === 'new') await closeFd(fd).catch(() => {});
      throw error;
    }
    const now = Math.floor(this.#now() / 1000);
    this.#gather(Buffer.from(receivedByQueue({ pid: this.#qp, who, now }), 'latin1'));
  }

  /**
   * After 36 h qmail-send takes an unfinished message for garbage. A machine that slept can bring us back
   * later than that, before any timer has fired: what has been removed must not be committed.
   */
  async #checkStillOurs(): Promise<void> {
    if (this.#now() - this.#started > QUEUE_ALARM * 1000)
      throw new Temporary('the message took too long', { exitCode: QueueExit.TIMEOUT });
    const stats = await step(QueueExit.WRITE_ERROR, 'unable to stat in mess', fstatFd(this.#mess));
    if (stats.nlink !== 1n)
      throw new Temporary('the message was removed', { exitCode: QueueExit.NO_MESSAGE_LINK });
  }

  async #link(): Promise<void> {
    const { paths } = this.#options;
    const todo = paths.todo(this.#number);
    this.#state = 'linked';
    try {
      await linkFile(paths.intd(this.#number), todo);
    } catch (error) {
      // Only when todo/N is certainly not there may the rest be removed.
      if (await isAbsent(todo)) this.#state = 'envelope';
      throw faultFor(QueueExit.NO_TODO_LINK, 'unable to link into todo', error);
    }
  }

  #gather(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  async #flush(fd: number): Promise<void> {
    const [only] = this.#pending;
    if (only === undefined) return;
    const bytes = this.#pending.length === 1 ? only : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    await step(QueueExit.WRITE_ERROR, 'unable to write', writeFully(fd, bytes));
  }

  async #close(exitCode: number): Promise<void> {
    const open = [this.#mess, this.#intd].filter((fd) => fd >= 0);
    this.#mess = -1;
    this.#intd = -1;
    await step(exitCode, 'unable to close', Promise.all(open.map((fd) => closeFd(fd))));
  }
}

/** The space is given back even where the unlink fails. What is left then is garbage that qmail-send collects. */
async function remove(fd: number, path: string | undefined): Promise<void> {
  if (fd >= 0) await new Promise<void>((resolve) => ftruncate(fd, 0, () => resolve()));
  if (path !== undefined) await unlinkIfThere(path).catch(() => {});
}

function removeSync(path: string | undefined): void {
  try {
    if (path !== undefined) unlinkSync(path);
  } catch {
    // As above.
  }
}

async function createPidFile(
  paths: QueuePaths,
  names: PidNames,
  now: number,
): Promise<{ fd: number; path: string }> {
  for (let attempt = 1; ; attempt++) {
    const path = paths.pid(names.next(now));
    try {
      return { fd: await createExclusive(path, MODE), path };
    } catch (error) {
      if (errnoOf(error) === 'EEXIST' && attempt < PID_NAME_TRIES) continue;
      throw faultFor(QueueExit.NO_PID_FILE, 'unable to create in pid', error);
    }
  }
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    await closeFd(await openFd(path, constants.O_RDONLY | constants.O_NOFOLLOW));
    return false;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}

/** Waits for one step; its trouble becomes a fault with qmail-queue's exit code for it. */
async function step<T>(exitCode: number, what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw faultFor(exitCode, what, error);
  }
}

function faultFor(exitCode: number, what: string, error: unknown): Temporary {
  const code = errnoOf(error) === 'ENOMEM' ? QueueExit.NO_MEMORY : exitCode;
  return new Temporary(`${what}: ${errnoText(error)}`, { cause: error, exitCode: code });
}
