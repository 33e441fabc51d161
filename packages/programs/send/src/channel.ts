// One channel, local or remote: which message is next, which recipients of it, and how each delivery ended.
//
// A pass goes over one message's channel file from its start and begins a delivery for every recipient
// not yet done; one pass at a time. Passes and deliveries of one message are its job; when the last
// of them has ended, the message is finished in this channel or waits for its next attempt. A pass begins
// only when a delivery slot is free, so there are never more open jobs than slots, and one.
//
// What is on disk at each step, and what a crash leaves (states as in qmail-queue-format(5)):
//   delivery begun          nothing           the delivery is repeated after the restart
//   delivered, not marked   nothing           delivered twice
//   failed for good         bounce/N durable, then the mark: see bounce-file.ts
//   marked                  D in local/S/N    see done-marks.ts for power failures
//   all marked              local/S/N is unlinked; a crash before that: the next pass finds only D and unlinks it
//
// New mail and mail that waits (retries, what was found at the start, a backlog in todo) are two lanes
// served in turn, so that neither delays the other by more than one pass.

import { lstatSync, unlinkSync } from 'node:fs';
import { expandVerp } from '@q/address';
import { errnoOf } from '@q/fault';
import type { QueueRecord } from '@q/queue-files';
import { type Report, SLOT_MAX } from '@q/spawn';
import type { BounceFiles } from './bounce-file.ts';
import { bounceParagraph, TOO_LONG_IN_QUEUE } from './bounce-text.ts';
import type { Context } from './context.ts';
import { DoneMarks } from './done-marks.ts';
import { type Due, DueQueue } from './due-queue.ts';
import { readInfo } from './info.ts';
import { RETRY_SYSTEM, SKIP_BATCH } from './limits.ts';
import { RecordFile } from './record-file.ts';
import { stripPrepend } from './rewrite.ts';
import { type ChannelName, isDying, nextAttempt } from './schedule.ts';
import { safeText } from './send-log.ts';
import type { SpawnLink } from './spawn-link.ts';

/** One attempt at one message. */
interface Job {
  readonly id: string;
  readonly sender: string;
  readonly marks: DoneMarks;
  /** When the next attempt is due. */
  readonly retry: number;
  /** This is the last attempt. */
  readonly dying: boolean;
  /** The pass while it runs, and each delivery. */
  references: number;
  /** Recipients begun and not done. */
  undone: number;
  /** The pass has seen the whole file. */
  complete: boolean;
}

interface Pass {
  readonly job: Job;
  readonly file: RecordFile;
}

interface Delivery {
  readonly number: number;
  readonly job: Job;
  readonly offset: number;
  readonly recipient: string;
  /** Its report is being acted on: a second one for the slot means nothing. */
  reported: boolean;
}

export interface ChannelOptions {
  readonly name: ChannelName;
  readonly context: Context;
  readonly link: SpawnLink;
  readonly bounces: BounceFiles;
  /** At most this many deliveries at a time; 0 holds the channel. */
  readonly slots: number;
  /** Numbers deliveries over both channels, from 1. */
  readonly nextNumber: () => number;
  /** Says how many deliveries run now. */
  readonly logStatus: () => void;
  /** Nothing is left to do for the message in this channel. */
  readonly finished: (id: string) => void;
}

export class Channel {
  readonly #options: ChannelOptions;
  readonly #context: Context;
  readonly #slots: (Delivery | undefined)[];
  readonly #waiting = new DueQueue();
  readonly #fresh = new DueQueue();
  #freshFirst = false;
  #running = 0;
  #settling = 0;
  #pass: Pass | undefined;
  #resumed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#slots = new Array(Math.min(options.slots, SLOT_MAX + 1)).fill(undefined);
  }

  get name(): ChannelName {
    return this.#options.name;
  }

  /** Deliveries begun and not ended. */
  get running(): number {
    return this.#running;
  }

  get slots(): number {
    return this.#slots.length;
  }

  /** True when the process may end: no report is to come, none is being acted on. */
  get quiet(): boolean {
    return this.#settling === 0 && (this.#running === 0 || !this.#options.link.alive);
  }

  /** Puts a message in line. `fresh`: it has just arrived. */
  add(at: number, id: string, fresh = false): void {
    (fresh ? this.#fresh : this.#waiting).push(at, id);
    this.#context.wakeAt(at);
  }

  nextAt(): number | undefined {
    const times = [this.#waiting.nextAt(), this.#fresh.nextAt()].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  makeAllDue(now: number): void {
    this.#waiting.makeAllDue(now);
    this.#fresh.makeAllDue(now);
  }

  *entries(): Iterable<Due> {
    yield* this.#waiting.entries();
    yield* this.#fresh.entries();
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

  report(report: Report): void {
    const delivery = this.#slots[report.slot];
    if (delivery === undefined || delivery.reported) {
      this.#context.log('warning: internal error: delivery report out of range');
      return;
    }
    delivery.reported = true;
    const failure = this.#settle(delivery, report.text);
    if (failure === undefined) {
      this.#release(report.slot, delivery);
      return;
    }
    this.#settling++;
    this.#bounce(delivery, failure).then(() => {
      this.#settling--;
      this.#release(report.slot, delivery);
    });
  }

  #canBegin(): boolean {
    return this.#running < this.#slots.length && this.#options.link.ready;
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

  // --- passes ---

  /** Turns to the next message that is due, if there is a slot for its first delivery. */
  #openPass(): Pass | undefined {
    while (this.#canBegin()) {
      const recent = this.#context.now();
      const id = this.#takeDue(recent);
      if (id === undefined) return undefined;
      this.#pass = this.#tryOpen(id, recent);
      if (this.#pass !== undefined) return this.#pass;
      this.add(recent + RETRY_SYSTEM, id);
    }
    return undefined;
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
      };
      return { job, file };
    } catch {
      file?.close();
      log(`warning: trouble opening ${path}; will try again later`);
      return undefined;
    }
  }

  /** The message to be tried next: from one lane and the other in turn. */
  #takeDue(now: number): string | undefined {
    this.#freshFirst = !this.#freshFirst;
    const lanes = [this.#waiting, this.#fresh];
    if (this.#freshFirst) lanes.reverse();
    for (const lane of lanes) {
      const due = lane.takeDue(now);
      if (due !== undefined) return due.id;
    }
    return undefined;
  }

  /** One record of the pass. False when it has to wait: for a slot, or for room to the spawner. */
  #advance({ job, file }: Pass): boolean {
    const path = this.#context.paths.channel(this.name, job.id);
    let record: QueueRecord | undefined;
    try {
      record = file.peek();
      if (record?.type === 'T' && !this.#canBegin()) return false;
      file.next();
      job.complete = record === undefined;
    } catch {
      this.#context.log(`warning: trouble reading ${path}; will try again later`);
    }
    if (record?.type === 'T') {
      this.#begin(job, record.offset, record.text);
      return true;
    }
    if (record?.type === 'D') return true;
    if (record !== undefined) this.#context.log(`warning: unknown record type in ${path}!`);
    file.close();
    this.#pass = undefined;
    this.#dereference(job);
    return true;
  }

  // --- deliveries ---

  #begin(job: Job, offset: number, recipient: string): void {
    const slot = this.#slots.indexOf(undefined);
    const number = this.#options.nextNumber();
    job.undone++;
    job.references++;
    this.#slots[slot] = { number, job, offset, recipient, reported: false };
    this.#running++;
    this.#context.log(
      `starting delivery ${number}: msg ${job.id} to ${this.name} ${safeText(recipient)}`,
    );
    this.#options.logStatus();
    this.#options.link.send({
      slot,
      message: this.#context.paths.messName(job.id),
      sender: expandVerp(job.sender, recipient),
      recipient,
    });
  }

  /** Acts on a report. What it returns is still to be bounced. */
  #settle(delivery: Delivery, report: string): string | undefined {
    const { log } = this.#context;
    const prefix = `delivery ${delivery.number}:`;
    let result = report.slice(0, 1);
    let text = report.slice(1);
    if (result === 'Z' && delivery.job.dying) {
      result = 'D';
      text += TOO_LONG_IN_QUEUE;
    }
    switch (result) {
      case 'K':
        log(`${prefix} success: ${safeText(text)}`);
        this.#markDone(delivery);
        return undefined;
      case 'Z':
        log(`${prefix} deferral: ${safeText(text)}`);
        return undefined;
      case 'D':
        log(`${prefix} failure: ${safeText(text)}`);
        return text;
      default:
        log(`${prefix} report mangled, will defer`);
        return undefined;
    }
  }

  /** Never rejects. */
  async #bounce(delivery: Delivery, text: string): Promise<void> {
    const address = stripPrepend(delivery.recipient, this.#context.settings.rules);
    const paragraph = bounceParagraph(address, text);
    if (await this.#options.bounces.append(delivery.job.id, paragraph)) this.#markDone(delivery);
  }

  #markDone({ job, offset }: Delivery): void {
    job.undone--;
    try {
      job.marks.mark(offset);
    } catch {
      const path = this.#context.paths.channel(this.name, job.id);
      this.#context.log(`warning: trouble marking ${path}; message will be delivered twice!`);
    }
  }

  #release(slot: number, delivery: Delivery): void {
    this.#slots[slot] = undefined;
    this.#running--;
    this.#options.logStatus();
    this.#dereference(delivery.job);
    this.kick();
    this.#context.ended();
  }

  #dereference(job: Job): void {
    if (--job.references > 0) {
      job.marks.sync();
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
