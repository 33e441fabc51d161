// One channel, local or remote: which message is next, and which recipients of it.
//
// A pass goes over one message's channel file from its start and begins a delivery for every recipient
// not yet done; one pass at a time. Passes and deliveries of one message are its job; when the last
// of them has ended, the message is finished in this channel or waits for its next attempt. A pass begins
// only when a delivery slot is free, so there are never more open jobs than slots, and one.
//
// A message with one recipient may stand in line while it is still in todo (early.ts): its only delivery is its
// job, without a pass.
//
// When all recipients are marked done the channel file is unlinked; a crash before that leaves a file in
// which the next pass finds nothing but D, and unlinks it.

import { lstatSync, unlinkSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import type { QueueRecord } from '@q/queue-files';
import type { Report } from '@q/spawn';
import type { Context } from './context.ts';
import { Deliveries, type DeliveriesOptions } from './deliveries.ts';
import { DoneMarks } from './done-marks.ts';
import type { Due } from './due-queue.ts';
import type { EarlyMessage } from './early.ts';
import { readInfo } from './info.ts';
import type { Job } from './job.ts';
import { Lanes } from './lanes.ts';
import { EARLY_MAX, RETRY_SYSTEM, SKIP_BATCH } from './limits.ts';
import { RecordFile } from './record-file.ts';
import { type ChannelName, isDying, nextAttempt } from './schedule.ts';

interface Pass {
  readonly job: Job;
  readonly file: RecordFile;
}

export interface ChannelOptions extends DeliveriesOptions {
  /** Nothing is left to do for the message in this channel. */
  readonly finished: (id: string) => void;
}

export class Channel {
  readonly #options: ChannelOptions;
  readonly #context: Context;
  readonly #lanes = new Lanes();
  readonly #deliveries: Deliveries;
  /** Those in line that are still in todo, by id. */
  readonly #early = new Map<string, EarlyMessage>();
  #pass: Pass | undefined;
  #resumed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#deliveries = new Deliveries(options, (job) => {
      this.#dereference(job);
      this.kick();
      this.#context.ended();
    });
  }

  get name(): ChannelName {
    return this.#options.name;
  }

  get running(): number {
    return this.#deliveries.running;
  }

  get slots(): number {
    return this.#deliveries.slots;
  }

  /** True when the process may end, as far as this channel goes. */
  get quiet(): boolean {
    return this.#deliveries.quiet;
  }

  /** Puts a message in line. `fresh`: it has just arrived. */
  add(at: number, id: string, fresh = false): void {
    this.#lanes.push(at, id, fresh);
    this.#context.wakeAt(at);
  }

  /** Puts a message that is still in todo in line; false when it must be preprocessed first. */
  addEarly(at: number, message: EarlyMessage, fresh: boolean): boolean {
    if (this.slots === 0 || this.#early.size >= EARLY_MAX) return false;
    this.#early.set(message.id, message);
    this.add(at, message.id, fresh);
    return true;
  }

  nextAt(): number | undefined {
    return this.#lanes.nextAt();
  }

  makeAllDue(now: number): void {
    this.#lanes.makeAllDue(now);
  }

  /** What is in line and has a channel file. */
  *entries(): Iterable<Due> {
    for (const due of this.#lanes.entries()) if (!this.#early.has(due.id)) yield due;
  }

  report(report: Report): void {
    this.#deliveries.report(report);
  }

  /** Begins what can be begun now. */
  kick(): void {
    for (let skipped = 0; !this.#context.stopping; skipped++) {
      const pass = this.#pass ?? this.#openPass();
      if (pass === undefined) return;
      if (skipped === SKIP_BATCH) {
        this.#kickSoon();
        return;
      }
      if (!this.#advance(pass)) return;
    }
  }

  /** Lets reports and other channels have a turn before more finished recipients are passed over. */
  #kickSoon(): void {
    if (this.#resumed) return;
    this.#resumed = true;
    setImmediate(() => {
      this.#resumed = false;
      this.kick();
    });
  }

  /** Turns to the next message that is due, if there is a slot for its first delivery. */
  #openPass(): Pass | undefined {
    while (this.#deliveries.canBegin) {
      const recent = this.#context.now();
      const id = this.#lanes.takeDue(recent);
      if (id === undefined) return undefined;
      const early = this.#early.get(id);
      if (early !== undefined) {
        this.#early.delete(id);
        this.#beginEarly(early, recent);
        continue;
      }
      this.#pass = this.#tryOpen(id, recent);
      if (this.#pass !== undefined) return this.#pass;
      this.add(recent + RETRY_SYSTEM, id);
    }
    return undefined;
  }

  /** Its birth is now: that is when it would have been preprocessed. */
  #beginEarly(early: EarlyMessage, recent: number): void {
    const { id, sender, recipient } = early;
    const job: Job = {
      id,
      sender,
      marks: new DoneMarks(this.#context.paths.channel(this.name, id)),
      retry: nextAttempt(recent, recent, this.name),
      dying: false,
      references: 0,
      undone: 0,
      complete: true,
      early,
    };
    this.#deliveries.begin(job, 0, recipient); // its record will be the file's first
  }

  /** A channel file that is missing is trouble, not success: a queue directory may just not be mounted. */
  #tryOpen(id: string, recent: number): Pass | undefined {
    const { paths, settings, log } = this.#context;
    const path = paths.channel(this.name, id);
    let file: RecordFile | undefined;
    try {
      file = new RecordFile(path);
      const { sender, birth } = readInfo(paths.info(id));
      const job: Job = {
        id,
        sender,
        marks: new DoneMarks(path),
        retry: nextAttempt(birth, recent, this.name),
        dying: isDying(birth, recent, settings.queueLifetime),
        references: 1,
        undone: 0,
        complete: false,
        early: undefined,
      };
      return { job, file };
    } catch {
      file?.close();
      log(`warning: trouble opening ${path}; will try again later`);
      return undefined;
    }
  }

  /** One record of the pass. False when it has to wait: for a slot, or for room to the spawner. */
  #advance({ job, file }: Pass): boolean {
    const path = this.#context.paths.channel(this.name, job.id);
    let record: QueueRecord | undefined;
    try {
      record = file.peek();
      if (record?.type === 'T' && !this.#deliveries.canBegin) return false;
      file.next();
      job.complete = record === undefined;
    } catch {
      this.#context.log(`warning: trouble reading ${path}; will try again later`);
    }
    if (record?.type === 'T') {
      this.#deliveries.begin(job, record.offset, record.text);
      return true;
    }
    if (record?.type === 'D') return true;
    if (record !== undefined) this.#context.log(`warning: unknown record type in ${path}!`);
    file.close();
    this.#pass = undefined;
    this.#dereference(job);
    return true;
  }

  #dereference(job: Job): void {
    if (--job.references > 0) {
      job.marks.sync();
      return;
    }
    if (job.early !== undefined) {
      if (job.undone === 0) this.#options.early.delivered(job.early);
      return;
    }
    if (job.complete && job.undone === 0) {
      job.marks.close();
      this.#removeFile(job.id);
      return;
    }
    job.marks.sync();
    job.marks.close();
    this.add(job.retry, job.id);
  }

  /** Every recipient is done. */
  #removeFile(id: string): void {
    const { paths, log, now } = this.#context;
    const path = paths.channel(this.name, id);
    try {
      unlinkSync(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') {
        log(`warning: unable to unlink ${path}; will try again later`);
        this.add(now() + RETRY_SYSTEM, id);
        return;
      }
    }
    const other = paths.channel(this.name === 'local' ? 'remote' : 'local', id);
    try {
      lstatSync(other);
    } catch (error) {
      // The finisher looks again: only files that are really gone end a message.
      if (errnoOf(error) !== 'ENOENT') log(`warning: unable to stat ${other}`);
      this.#options.finished(id);
    }
  }
}
