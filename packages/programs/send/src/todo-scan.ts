// The names in todo. The directory is read entry by entry, never as one list: a hundred thousand names take no memory.
//
//   none → reading      a scan is wanted, or TODO_RESCAN seconds have passed since the last
//   reading → open      the next names are there, and when they are taken there may be more
//   open → reading      they have all been taken
//   reading → none      the end of the directory

import type { Dir } from 'node:fs';
import { opendir } from 'node:fs/promises';
import type { Context } from './context.ts';
import { READDIR_BATCH, TODO_RESCAN } from './limits.ts';

/** Seconds until a directory that could not be opened is tried again. */
const UNREADABLE_PAUSE = 10;

export class TodoScan {
  readonly #context: Context;
  readonly #kick: () => void;
  #state: 'none' | 'reading' | 'open' = 'none';
  #dir: Dir | undefined;
  #batch: string[] = [];
  #wanted = false;
  #nextAt = 0;

  /** `kick` is called when there are names to be taken. */
  constructor(context: Context, kick: () => void) {
    this.#context = context;
    this.#kick = kick;
  }

  /** When the next scan is due; undefined while one is under way. */
  get nextAt(): number | undefined {
    return this.#state === 'none' ? this.#nextAt : undefined;
  }

  /** Asks for a scan that begins after this. */
  want(): void {
    this.#wanted = true;
  }

  /** Begins a scan, if there is none and one is due. */
  begin(): void {
    if (this.#state !== 'none') return;
    if (this.#wanted || this.#context.now() >= this.#nextAt) void this.#open();
  }

  /** The next name; undefined when there is none, or none yet. */
  take(): string | undefined {
    const name = this.#batch.pop();
    if (name === undefined && this.#state === 'open') void this.#readBatch();
    return name;
  }

  stop(): void {
    this.#batch = [];
    void this.#close();
  }

  async #open(): Promise<void> {
    const { paths, log, now } = this.#context;
    this.#state = 'reading';
    this.#wanted = false;
    const path = paths.directory('todo');
    try {
      this.#dir = await opendir(path, { bufferSize: READDIR_BATCH });
    } catch {
      log(`alert: unable to opendir ${path}, sleeping...`);
      this.#nextAt = now() + UNREADABLE_PAUSE;
      this.#state = 'none';
      this.#context.wakeAt(this.#nextAt);
      return;
    }
    await this.#readBatch();
  }

  /** Fetches the next names; at the end of the directory the scan is over. */
  async #readBatch(): Promise<void> {
    this.#state = 'reading';
    const dir = this.#dir;
    const names: string[] = [];
    let more = dir !== undefined;
    try {
      while (dir !== undefined && more && names.length < READDIR_BATCH) {
        const entry = await dir.read();
        if (entry === null) more = false;
        else names.push(entry.name);
      }
    } catch {
      more = false;
    }
    if (this.#context.stopping) return this.#close();
    this.#batch = names.reverse(); // taken from its end: in the order of the directory
    if (more) this.#state = 'open';
    else await this.#end();
    this.#kick();
  }

  async #end(): Promise<void> {
    await this.#close();
    this.#state = 'none';
    this.#nextAt = this.#context.now() + TODO_RESCAN;
    this.#context.wakeAt(this.#nextAt);
  }

  async #close(): Promise<void> {
    const dir = this.#dir;
    this.#dir = undefined;
    await dir?.close().catch(() => {});
  }
}
