// Has messages read by a thread of its own: there is one only while many are met that nobody has looked at, as by the first
// FETCH or SEARCH of a whole mailbox. Two processors then work for it, and the event loop has time for other sessions.
//
// The thread may fail in whatever way: who asked then reads the message himself. It gets open files, and so can neither open
// anything else nor take one message for another.
//
//   none ──many met──► starting ──it says so──► ready ──nothing to do for a while──► none
//                          └────────it ends─────────┴──────────────────► none, and none is started for a while

import { closeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Log } from '@q/log';
import type { OpenMessage } from '@q/mailbox';
import {
  BATCH_BYTES,
  BATCH_FILES,
  BATCHES_MAX,
  ELSEWHERE_FILE_MAX,
  ELSEWHERE_MAX,
  MANY_UNKNOWN,
  READER_HEAP_MB,
  READER_KEPT,
  READER_PAUSE,
  UNKNOWN_PAUSE,
} from './limits.ts';
import { READY } from './reader-thread.ts';
import {
  type AskedFile,
  type Batch,
  type BatchAnswer,
  type ReadRecords,
  unpackRecords,
  type Wish,
} from './thread-records.ts';

interface Asked {
  readonly file: AskedFile;
  answer(records: ReadRecords | undefined): void;
}

interface Thread {
  readonly worker: Worker;
  state: 'starting' | 'ready';
  /** Batches it has, by id. */
  readonly underway: Map<number, readonly Asked[]>;
}

/** One for a process. */
export class MessageReader {
  readonly #program: string;
  readonly #log: Log;
  readonly #now: () => number;
  #thread: Thread | undefined;
  /** Unknown messages met one soon after the other, and when the last one was. */
  #met = 0;
  #metAt = 0;
  /** No thread is started before. */
  #notBefore = 0;
  #ids = 0;
  /** What the next batch is made of. */
  #gathered: Asked[] = [];
  #gatheredBytes = 0;
  #isDue = false;
  #open = 0;
  readonly #waiting: (() => void)[] = [];
  #idle: NodeJS.Timeout | undefined;

  /** `program`: the thread's, whose main function is serveReader(). `log` is told when it fails. */
  constructor(program: string, log: Log, now: () => number = Date.now) {
    this.#program = program;
    this.#log = log;
    this.#now = now;
  }

  /** To be asked for each message that has to be read: true when read() may be tried. */
  meet(): boolean {
    const now = performance.now();
    if (now - this.#metAt > UNKNOWN_PAUSE) this.#met = 0;
    this.#metAt = now;
    this.#met++;
    if (this.#thread === undefined && this.#met > MANY_UNKNOWN && now >= this.#notBefore)
      this.#start();
    return this.#thread?.state === 'ready';
  }

  /**
   * Opens a message and has it read. Undefined: the caller is to read it himself. Waits for its turn. Rejects with what `open`
   * throws.
   */
  async read(
    open: () => OpenMessage | undefined | Promise<OpenMessage | undefined>,
    base: string,
    wish: (file: OpenMessage) => Wish,
  ): Promise<ReadRecords | 'gone' | undefined> {
    if (this.#open >= ELSEWHERE_MAX) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#open++;
    try {
      if (this.#thread?.state !== 'ready') return undefined;
      const file = await open();
      if (file === undefined) return 'gone';
      try {
        if (file.size > ELSEWHERE_FILE_MAX) return undefined;
        return await this.#ask({ ...file, base, wish: wish(file) });
      } finally {
        closeSync(file.fd);
      }
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#open--;
      else next();
    }
  }

  /** Ends the thread; what it has is undefined. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#thread?.worker.terminate();
  }

  #ask(file: AskedFile): Promise<ReadRecords | undefined> {
    return new Promise((answer) => {
      this.#gathered.push({ file, answer });
      this.#gatheredBytes += file.size;
      this.#send();
    });
  }

  /** Sends what was gathered: full batches as long as the thread has few, another one only when it has none. */
  #send(): void {
    const thread = this.#thread;
    if (thread?.state !== 'ready') {
      this.#giveUp(this.#gathered.splice(0));
      this.#gatheredBytes = 0;
      return;
    }
    const isFull = this.#gathered.length >= BATCH_FILES || this.#gatheredBytes >= BATCH_BYTES;
    if (isFull && thread.underway.size < BATCHES_MAX) this.#sendTo(thread);
    else if (thread.underway.size === 0) this.#sendSoon();
  }

  /** What else is asked for in this turn of the event loop goes along. */
  #sendSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      const thread = this.#thread;
      if (thread?.state === 'ready' && thread.underway.size === 0) this.#sendTo(thread);
    });
  }

  #sendTo({ worker, underway }: Thread): void {
    const asked = this.#gathered;
    if (asked.length === 0) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const id = ++this.#ids;
    underway.set(id, asked);
    clearTimeout(this.#idle);
    // The process does not end while somebody waits for an answer.
    worker.ref();
    const files = asked.map(({ file }) => file);
    worker.postMessage({ id, now: this.#now(), files } satisfies Batch);
  }

  #start(): void {
    const worker = new Worker(this.#program, {
      env: {},
      // What it might print goes nowhere: descriptors 1 and 2 may be a client's.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: READER_HEAP_MB },
    });
    const thread: Thread = { worker, state: 'starting', underway: new Map() };
    this.#thread = thread;
    worker.unref();
    worker.on('message', (message: unknown) => {
      if (message === READY) {
        thread.state = 'ready';
        this.#endWhenIdle(thread);
      } else this.#answered(thread, message as BatchAnswer);
    });
    // A batch without its answer would be waited for.
    worker.on('messageerror', () => void worker.terminate());
    worker.on('error', (error: Error) => this.#log(`cache: reading elsewhere: ${error.message}`));
    // Only now is it certain that it reads no more from the files.
    worker.on('exit', () => this.#ended(thread));
  }

  #answered(thread: Thread, answer: BatchAnswer): void {
    const asked = thread.underway.get(answer.id) ?? [];
    thread.underway.delete(answer.id);
    const records = unpackRecords(answer);
    for (const [i, each] of asked.entries()) each.answer(records[i]);
    this.#send();
    if (thread.underway.size > 0) return;
    thread.worker.unref();
    this.#endWhenIdle(thread);
  }

  #endWhenIdle(thread: Thread): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (thread.underway.size > 0 || this.#gathered.length > 0) return;
      this.#forget(thread);
      void thread.worker.terminate();
    }, READER_KEPT).unref();
  }

  #ended(thread: Thread): void {
    if (this.#thread === thread) {
      // It did not end because it was idle.
      this.#forget(thread);
      this.#notBefore = performance.now() + READER_PAUSE;
    }
    for (const asked of thread.underway.values()) this.#giveUp(asked);
    thread.underway.clear();
    this.#send();
  }

  #forget(thread: Thread): void {
    if (this.#thread === thread) this.#thread = undefined;
    this.#met = 0;
  }

  #giveUp(asked: readonly Asked[]): void {
    for (const each of asked) each.answer(undefined);
  }
}
