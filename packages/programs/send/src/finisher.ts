// Finishes messages whose recipients are all done: the bounce, if there is one, then the files.
//
//   step                            a crash right after it leaves, and what follows
//   bounce queued                   bounce/N: the bounce is sent a second time
//   bounce/N unlinked               S5 with info alone: finished at the next start
//   info/S/N unlinked               S2: mess/S/N is garbage, collected after 36 h
//   qmail-clean unlinks intd, mess  S1: nothing
//
// None of these is fsynced: every crash leaves a state from which the same steps go on, and no step can
// undo a delivery. Trouble with a step is logged and the message tried again after RETRY_SYSTEM seconds.

import { lstatSync, unlinkSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import type { Queue } from '@q/queue-socket';
import { sendBounce } from './bounce.ts';
import type { CleanLink } from './clean-link.ts';
import type { Context } from './context.ts';
import { DueQueue } from './due-queue.ts';
import { readInfo } from './info.ts';
import { DONE_PARALLEL, RETRY_SYSTEM } from './limits.ts';
import { CHANNELS } from './schedule.ts';

export class Finisher {
  readonly #context: Context;
  readonly #clean: CleanLink;
  readonly #queue: Queue;
  readonly #due = new DueQueue();
  readonly #running = new Set<string>();

  constructor(context: Context, clean: CleanLink, queue: Queue) {
    this.#context = context;
    this.#clean = clean;
    this.#queue = queue;
  }

  get quiet(): boolean {
    return this.#running.size === 0;
  }

  add(at: number, id: string): void {
    this.#due.push(at, id);
    this.#context.wakeAt(at);
  }

  nextAt(): number | undefined {
    return this.#running.size < DONE_PARALLEL ? this.#due.nextAt() : undefined;
  }

  makeAllDue(now: number): void {
    this.#due.makeAllDue(now);
  }

  kick(): void {
    const context = this.#context;
    while (!context.stopping && this.#running.size < DONE_PARALLEL) {
      const id = this.#due.takeDue(context.now())?.id;
      if (id === undefined) return;
      if (this.#running.has(id)) continue;
      this.#running.add(id);
      this.#finish(id)
        .catch(() => false)
        .then((done) => {
          this.#running.delete(id);
          if (!done) this.add(context.now() + RETRY_SYSTEM, id);
          this.kick();
          context.ended();
        });
    }
  }

  /** True when the message needs nobody any more. */
  async #finish(id: string): Promise<boolean> {
    const { paths, log } = this.#context;
    for (const channel of CHANNELS) {
      const state = presence(paths.channel(channel, id));
      if (state === 'there') return true; // the channel has it in line, and will come back
      if (state === 'unknown') {
        log(`warning: unable to stat ${paths.channel(channel, id)}; will try again later`);
        return false;
      }
    }
    const info = paths.info(id);
    const found = this.#senderOf(info);
    if (found === 'absent') return true; // S2 already: the collector's
    if (found === 'trouble') return false;
    if (!(await sendBounce(this.#context, this.#queue, id, found.sender))) return false;
    try {
      unlinkSync(info);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') {
        log(`warning: unable to unlink ${info}; will try again later`);
        return false;
      }
    }
    log(`end msg ${id}`);
    // A failure leaves S2, which the collector finds.
    const cleaned = await this.#clean.request('foop', id);
    if (cleaned === false) log(`warning: qmail-clean unable to clean up ${paths.mess(id)}`);
    return true;
  }

  #senderOf(info: string): { sender: string } | 'absent' | 'trouble' {
    try {
      return readInfo(info);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return 'absent';
      this.#context.log(`warning: unable to read ${info}; will try again later`);
      return 'trouble';
    }
  }
}

function presence(path: string): 'there' | 'absent' | 'unknown' {
  try {
    lstatSync(path);
    return 'there';
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'absent' : 'unknown';
  }
}
