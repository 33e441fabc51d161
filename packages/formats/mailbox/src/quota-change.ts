// What a change in a folder means for the quota: messages marked deleted and those in Trash do not count.

import { recordUsage } from '@q/maildir';
import type { Inside } from './inside.ts';
import { FLAG } from './model.ts';

/** Gathers what comes and goes, and tells maildirsize once. */
export class QuotaChange {
  readonly #folder: Inside;
  #bytes = 0;
  #messages = 0;

  constructor(folder: Inside) {
    this.#folder = folder;
  }

  /** Whether anybody counts here: else sizes need not be asked for. */
  get counts(): boolean {
    return this.#folder.options.trash !== true;
  }

  added(bytes: number, flags: number): void {
    if (!this.counts || (flags & FLAG.deleted) !== 0) return;
    this.#bytes += bytes;
    this.#messages++;
  }

  removed(bytes: number, flags: number): void {
    if (!this.counts || (flags & FLAG.deleted) !== 0) return;
    this.#bytes -= bytes;
    this.#messages--;
  }

  /** After the change on disk. Never throws. */
  record(): void {
    if (this.#messages === 0 && this.#bytes === 0) return;
    recordUsage(this.#folder.options.root, { bytes: this.#bytes, messages: this.#messages });
  }
}
