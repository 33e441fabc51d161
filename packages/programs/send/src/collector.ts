// Removes what crashed qmail-queue processes left in mess: files that nobody has read for 36 hours and that
// have neither info nor todo (S2 and S3 of qmail-queue-format(5)). A living qmail-queue gives up after 24.

import { lstatSync, statSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf } from '@q/fault';
import { isMessageId, OSSIFIED, SPLIT, splitOf } from '@q/queue-files';
import type { CleanLink } from './clean-link.ts';
import type { Context } from './context.ts';
import { CLEANUP_BATCH, CLEANUP_PERIOD } from './limits.ts';

export class Collector {
  readonly #context: Context;
  readonly #clean: CleanLink;
  #next = 0;
  #walking = false;

  constructor(context: Context, clean: CleanLink) {
    this.#context = context;
    this.#clean = clean;
  }

  nextAt(): number | undefined {
    return this.#walking ? undefined : this.#next;
  }

  /** Walks through mess if it is time to. */
  kick(): void {
    if (this.#walking || this.#context.stopping || this.#context.now() < this.#next) return;
    this.#walking = true;
    this.#walk()
      .catch(() => {})
      .finally(() => {
        this.#walking = false;
        this.#next = this.#context.now() + CLEANUP_PERIOD;
        this.#context.wakeAt(this.#next);
      });
  }

  async #walk(): Promise<void> {
    for (let split = 0; split < SPLIT; split++) {
      await this.#walkDirectory(this.#context.paths.splitDirectory('mess', split), split);
    }
  }

  async #walkDirectory(path: string, split: number): Promise<void> {
    let seen = 0;
    try {
      for await (const { name } of await opendir(path)) {
        if (this.#context.stopping) return;
        if (isMessageId(name) && splitOf(name) === split) await this.#look(name);
        if (++seen % CLEANUP_BATCH === 0) await nextTurn();
      }
    } catch {
      this.#context.log(`warning: unable to read ${path}`);
    }
  }

  async #look(id: string): Promise<void> {
    const { paths, log, now } = this.#context;
    let atime: number;
    try {
      atime = statSync(paths.mess(id)).atimeMs / 1000;
    } catch {
      return; // finished meanwhile
    }
    if (now() <= atime + OSSIFIED) return;
    if (!isAbsent(paths.info(id)) || !isAbsent(paths.todo(id))) return;
    const cleaned = await this.#clean.request('foop', id);
    if (cleaned === false) log(`warning: qmail-clean unable to clean up ${paths.mess(id)}`);
  }
}

/** Only certainty counts: a path that cannot be looked at is taken to exist. */
function isAbsent(path: string): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}
