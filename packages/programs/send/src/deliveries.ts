// The delivery slots of one channel: what is sent to the spawner, and what is made of its reports.
//
// What is on disk at each step, and what a crash leaves (states as in qmail-queue-format(5)):
//   begun                 nothing          repeated after the restart
//   done, not marked      nothing          delivered twice
//   failed for good       bounce/N durable, then the mark: see bounce-file.ts
//   marked                D in local/S/N   see done-marks.ts for power failures

import { expandVerp } from '@q/address';
import { type Report, SLOT_MAX } from '@q/spawn';
import type { BounceFiles } from './bounce-file.ts';
import { bounceParagraph, TOO_LONG_IN_QUEUE } from './bounce-text.ts';
import type { Context } from './context.ts';
import type { EarlyEnds } from './early.ts';
import type { Job } from './job.ts';
import { stripPrepend } from './rewrite.ts';
import type { ChannelName } from './schedule.ts';
import { safeText } from './send-log.ts';
import type { SpawnLink } from './spawn-link.ts';

interface Delivery {
  readonly number: number;
  readonly job: Job;
  readonly offset: number;
  readonly recipient: string;
  /** Its report is being acted on: a second one for the slot means nothing. */
  reported: boolean;
}

export interface DeliveriesOptions {
  readonly name: ChannelName;
  readonly context: Context;
  readonly link: SpawnLink;
  readonly bounces: BounceFiles;
  /** At most this many deliveries at a time; 0 holds the channel. */
  readonly slots: number;
  /** Numbers deliveries over both channels, from 1. */
  readonly nextNumber: () => number;
  /** What becomes of a message delivered from todo. */
  readonly early: EarlyEnds;
  /** Says how many deliveries run now. */
  readonly logStatus: () => void;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #context: Context;
  readonly #ended: (job: Job) => void;
  readonly #slots: (Delivery | undefined)[];
  #running = 0;
  #settling = 0;

  /** `ended` is called after each delivery, its slot free again. */
  constructor(options: DeliveriesOptions, ended: (job: Job) => void) {
    this.#options = options;
    this.#context = options.context;
    this.#ended = ended;
    this.#slots = new Array(Math.min(options.slots, SLOT_MAX + 1)).fill(undefined);
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

  get canBegin(): boolean {
    return this.#running < this.#slots.length && this.#options.link.ready;
  }

  /** Only when canBegin. `offset` is where the recipient's record is in the channel file. */
  begin(job: Job, offset: number, recipient: string): void {
    const slot = this.#slots.indexOf(undefined);
    const number = this.#options.nextNumber();
    job.undone++;
    job.references++;
    this.#slots[slot] = { number, job, offset, recipient, reported: false };
    this.#running++;
    this.#context.log(
      `starting delivery ${number}: msg ${job.id} to ${this.#options.name} ${safeText(recipient)}`,
    );
    this.#options.logStatus();
    this.#options.link.send({
      slot,
      message: this.#context.paths.messName(job.id),
      sender: expandVerp(job.sender, recipient),
      recipient,
    });
  }

  report(report: Report): void {
    const delivery = this.#slots[report.slot];
    if (delivery === undefined || delivery.reported) {
      this.#context.log('warning: internal error: delivery report out of range');
      return;
    }
    delivery.reported = true;
    const failure = this.#settle(delivery, report.text);
    const { job } = delivery;
    const undoneInTodo = job.early !== undefined && job.undone > 0;
    if (failure === undefined && !undoneInTodo) {
      this.#release(report.slot, delivery);
      return;
    }
    this.#settling++;
    this.#settleLater(delivery, failure).then(() => {
      this.#settling--;
      this.#release(report.slot, delivery);
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

  /** What must wait for the disk. Never rejects. */
  async #settleLater(delivery: Delivery, failure: string | undefined): Promise<void> {
    const { job } = delivery;
    if (job.early !== undefined) {
      // Where this fails the message is as new in todo: whatever was reported will be tried again.
      if (!(await this.#options.early.preprocess(job.early))) return;
      job.early = undefined;
    }
    if (failure !== undefined) await this.#bounce(delivery, failure);
  }

  async #bounce(delivery: Delivery, text: string): Promise<void> {
    const address = stripPrepend(delivery.recipient, this.#context.settings.rules);
    const paragraph = bounceParagraph(address, text);
    if (await this.#options.bounces.append(delivery.job.id, paragraph)) this.#markDone(delivery);
  }

  #markDone({ job, offset }: Delivery): void {
    job.undone--;
    if (job.early !== undefined) return; // todo is unlinked when the delivery ends
    try {
      job.marks.mark(offset);
    } catch {
      const path = this.#context.paths.channel(this.#options.name, job.id);
      this.#context.log(`warning: trouble marking ${path}; message will be delivered twice!`);
    }
  }

  #release(slot: number, delivery: Delivery): void {
    this.#slots[slot] = undefined;
    this.#running--;
    this.#options.logStatus();
    this.#ended(delivery.job);
  }
}
