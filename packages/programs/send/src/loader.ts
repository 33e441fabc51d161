// The schedule across restarts: what is queued is found in info, and when it is due in the mtimes of local/S/N
// and remote/S/N, which are written at a clean exit. After a crash they hold the time of the last change,
// so everything is tried at once, which is right: nobody knows how long the machine was off.

import { lstatSync, opendirSync, utimesSync } from 'node:fs';
import { isMessageId, SPLIT, splitOf } from '@q/queue-files';
import type { Channel } from './channel.ts';
import type { Context } from './context.ts';
import { DueQueue } from './due-queue.ts';
import type { Finisher } from './finisher.ts';
import { LOAD_REPORT, RETRY_SYSTEM } from './limits.ts';

export class Loader {
  readonly #context: Context;
  readonly #channels: readonly Channel[];
  readonly #finisher: Finisher;
  /** Messages about which a stat failed: looked at again later. */
  readonly #failed = new DueQueue();

  constructor(context: Context, channels: readonly Channel[], finisher: Finisher) {
    this.#context = context;
    this.#channels = channels;
    this.#finisher = finisher;
  }

  /** Puts everything in S5 in line. Throws the system error if a directory cannot be read. */
  load(): void {
    const { paths, log } = this.#context;
    let count = 0;
    for (let split = 0; split < SPLIT; split++) {
      const dir = opendirSync(paths.splitDirectory('info', split));
      try {
        for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
          if (!isMessageId(entry.name) || splitOf(entry.name) !== split) continue;
          this.#add(entry.name);
          if (++count % LOAD_REPORT === 0) log(`reading queue: ${count} messages`);
        }
      } finally {
        dir.closeSync();
      }
    }
  }

  nextAt(): number | undefined {
    return this.#failed.nextAt();
  }

  kick(): void {
    const now = this.#context.now();
    for (let due = this.#failed.takeDue(now); due !== undefined; due = this.#failed.takeDue(now)) {
      this.#add(due.id);
    }
  }

  /** Writes when each waiting message is due into its files. */
  save(): void {
    const { paths, log } = this.#context;
    for (const channel of this.#channels) {
      for (const { at, id } of channel.entries()) {
        const path = paths.channel(channel.name, id);
        try {
          utimesSync(path, at, at);
        } catch {
          log(`warning: unable to utime ${path}; message will be retried too soon`);
        }
      }
    }
  }

  #add(id: string): void {
    const { paths, log, now } = this.#context;
    try {
      if (mtimeOf(paths.todo(id)) !== undefined) return; // S4: will be preprocessed from the start
      const due = this.#channels.map((channel) => mtimeOf(paths.channel(channel.name, id)));
      this.#channels.forEach((channel, i) => {
        const at = due[i];
        if (at !== undefined) channel.add(at, id);
      });
      if (due.every((at) => at === undefined)) this.#finisher.add(now(), id);
    } catch {
      log(`warning: unable to stat ${paths.info(id)}; will try again later`);
      this.#failed.push(now() + RETRY_SYSTEM, id);
      this.#context.wakeAt(now() + RETRY_SYSTEM);
    }
  }
}

/** Asked three times for each message, mostly in vain: an exception would cost more than the system call. */
function mtimeOf(path: string): number | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : Math.floor(stats.mtimeMs / 1000);
}
