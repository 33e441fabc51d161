// Finds the messages in todo and has them preprocessed.
//
// todo is read entry by entry, never as one list: a hundred thousand names take no memory. It is scanned at
// the start, when the trigger is pulled, and every TODO_RESCAN seconds. Directory events name each message that
// arrives; those go before the scan's, every other one, so that new mail does not wait behind a backlog. The
// events are a hint and nothing more: what they miss, a scan finds.

import { type Dir, type FSWatcher, watch } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { type TriggerWatch, watchTrigger } from '@q/fsx';
import { isMessageId } from '@q/queue-files';
import type { Context } from './context.ts';
import { FRESH_MAX, READDIR_BATCH, TODO_PARALLEL, TODO_RESCAN } from './limits.ts';
import { type PreprocessTools, preprocess } from './preprocess.ts';
import type { ChannelName } from './schedule.ts';

export interface TodoEvents {
  /** A message is in S5. `fresh`: it had just arrived. */
  queued(id: string, channels: readonly ChannelName[], fresh: boolean): void;
}

export class Todo {
  readonly #tools: PreprocessTools;
  readonly #context: Context;
  readonly #queued: TodoEvents['queued'];
  readonly #running = new Set<string>();
  readonly #fresh = new Set<string>();
  #trigger: TriggerWatch | undefined;
  #events: FSWatcher | undefined;
  #scan: 'none' | 'reading' | 'open' = 'none';
  #dir: Dir | undefined;
  #batch: string[] = [];
  #rescan = false;
  #nextScan = 0;
  #freshNext = true;

  constructor(tools: PreprocessTools, events: TodoEvents) {
    this.#tools = tools;
    this.#context = tools.context;
    this.#queued = events.queued;
  }

  /** Watches the trigger. A trigger that cannot be opened is logged: the scans go on without it. */
  start(): void {
    const { paths, log } = this.#context;
    const path = paths.lock('trigger');
    try {
      this.#trigger = watchTrigger(path, () => this.#pulled());
    } catch {
      log(`warning: unable to open ${path}`);
    }
    this.#watchEvents(paths.directory('todo'));
    this.#pulled();
  }

  get quiet(): boolean {
    return this.#running.size === 0;
  }

  /** When the next scan is due. */
  nextAt(): number | undefined {
    return this.#scan === 'none' ? this.#nextScan : undefined;
  }

  kick(): void {
    if (this.#context.stopping) return;
    if (this.#scan === 'none' && (this.#rescan || this.#context.now() >= this.#nextScan)) {
      void this.#openScan();
    }
    while (this.#running.size < TODO_PARALLEL) {
      const next = this.#take();
      if (next === undefined) return;
      this.#begin(next.id, next.fresh);
    }
  }

  stop(): void {
    this.#trigger?.close();
    this.#events?.close();
    this.#fresh.clear();
    this.#batch = [];
    void this.#closeDir();
  }

  #pulled(): void {
    this.#rescan = true;
    this.kick();
  }

  #watchEvents(path: string): void {
    try {
      this.#events = watch(path, (_event, name) => this.#arrived(name));
      this.#events.on('error', () => this.#events?.close());
    } catch {
      // No inotify left for us: new mail waits its turn in the scan.
    }
  }

  /** A name has appeared or gone; which of the two, the attempt to open it tells. */
  #arrived(name: string | null): void {
    if (name === null || !isMessageId(name) || this.#running.has(name)) return;
    if (this.#fresh.size < FRESH_MAX) this.#fresh.add(name);
    this.kick();
  }

  #take(): { id: string; fresh: boolean } | undefined {
    this.#freshNext = !this.#freshNext;
    return this.#freshNext
      ? (this.#takeFresh() ?? this.#takeScanned())
      : (this.#takeScanned() ?? this.#takeFresh());
  }

  #takeFresh(): { id: string; fresh: boolean } | undefined {
    for (const id of this.#fresh) {
      this.#fresh.delete(id);
      if (!this.#running.has(id)) return { id, fresh: true };
    }
    return undefined;
  }

  #takeScanned(): { id: string; fresh: boolean } | undefined {
    while (this.#batch.length > 0) {
      const name = this.#batch.pop() as string;
      if (isMessageId(name) && !this.#running.has(name)) {
        return { id: name, fresh: this.#fresh.delete(name) };
      }
    }
    if (this.#scan === 'open') void this.#readBatch();
    return undefined;
  }

  #begin(id: string, fresh: boolean): void {
    this.#running.add(id);
    preprocess(this.#tools, id)
      .then((channels) => {
        if (channels !== undefined) this.#queued(id, channels, fresh);
      })
      .finally(() => {
        this.#running.delete(id);
        this.kick();
        this.#context.ended();
      });
  }

  // --- the scan ---

  async #openScan(): Promise<void> {
    const { paths, log, now } = this.#context;
    this.#scan = 'reading';
    this.#rescan = false;
    const path = paths.directory('todo');
    try {
      this.#dir = await opendir(path, { bufferSize: READDIR_BATCH });
    } catch {
      log(`alert: unable to opendir ${path}, sleeping...`);
      this.#nextScan = now() + 10;
      this.#scan = 'none';
      this.#context.wakeAt(this.#nextScan);
      return;
    }
    await this.#readBatch();
  }

  /** Fetches the next names; at the end of the directory the scan is over. */
  async #readBatch(): Promise<void> {
    this.#scan = 'reading';
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
    if (this.#context.stopping) return this.#closeDir();
    this.#batch = names;
    if (more) this.#scan = 'open';
    else await this.#endScan();
    this.kick();
  }

  async #endScan(): Promise<void> {
    await this.#closeDir();
    this.#scan = 'none';
    this.#nextScan = this.#context.now() + TODO_RESCAN;
    this.#context.wakeAt(this.#nextScan);
  }

  async #closeDir(): Promise<void> {
    const dir = this.#dir;
    this.#dir = undefined;
    await dir?.close().catch(() => {});
  }
}
