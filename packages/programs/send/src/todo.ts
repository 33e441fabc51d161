// Finds the messages in todo and has them preprocessed.
//
// todo is scanned (todo-scan.ts) at the start, soon after the trigger is pulled, and every TODO_RESCAN seconds.
// Directory events (todo-events.ts) name each message that arrives; those go before the scan's, every other one, so
// that new mail does not wait behind a backlog. The events are a hint and nothing more: what they miss, a scan finds.
//
// A message with one recipient is not preprocessed at once: its channel delivers it from todo (early.ts). Until it
// has been removed or preprocessed its id stays among those that are taken, and nobody looks at its file again.

import { type TriggerWatch, watchTrigger } from '@q/fsx';
import { isMessageId } from '@q/queue-files';
import type { Context } from './context.ts';
import { DueQueue } from './due-queue.ts';
import { type EarlyEnds, type EarlyMessage, readEarly } from './early.ts';
import { FRESH_MAX, PULL_DELAY, RETRY_SYSTEM, TODO_BATCH, TODO_PARALLEL } from './limits.ts';
import { type Announced, type PreprocessTools, preprocess } from './preprocess.ts';
import type { ChannelName } from './schedule.ts';
import { TodoEvents } from './todo-events.ts';
import { TodoScan } from './todo-scan.ts';

export interface TodoOwner {
  /** A message is in S5. `fresh`: it had just arrived. */
  queued(id: string, channels: readonly ChannelName[], fresh: boolean): void;
  /** True when the message stands in line as it is; false when it must be preprocessed first. */
  early(message: EarlyMessage, fresh: boolean): boolean;
}

export class Todo implements EarlyEnds {
  readonly #tools: PreprocessTools;
  readonly #context: Context;
  readonly #owner: TodoOwner;
  readonly #taken = new Set<string>();
  /** Delivered, but qmail-clean could not remove them. */
  readonly #unremoved = new DueQueue();
  #busy = 0;
  readonly #fresh = new Set<string>();
  #trigger: TriggerWatch | undefined;
  #events: TodoEvents | undefined;
  readonly #scan: TodoScan;
  /** A scan is to be made for pulls of the trigger. */
  #soon: NodeJS.Timeout | undefined;
  #freshNext = true;

  constructor(tools: PreprocessTools, owner: TodoOwner) {
    this.#tools = tools;
    this.#context = tools.context;
    this.#owner = owner;
    this.#scan = new TodoScan(tools.context, () => this.kick());
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
    this.#events = new TodoEvents(
      paths.directory('todo'),
      (id) => this.#taken.has(id),
      (id) => this.#arrived(id),
    );
    this.#scan.want();
    this.kick();
  }

  get quiet(): boolean {
    return this.#busy === 0;
  }

  /** When the next scan is due. */
  nextAt(): number | undefined {
    const times = [this.#unremoved.nextAt(), this.#scan.nextAt];
    const known = times.filter((at) => at !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** What is left in todo after trouble is looked for again, too. */
  makeAllDue(now: number): void {
    this.#unremoved.makeAllDue(now);
    this.#scan.want();
  }

  kick(): void {
    if (this.#context.stopping) return;
    this.#scan.begin();
    this.#removeDue();
    for (let count = 0; this.#busy < TODO_PARALLEL; count++) {
      if (count === TODO_BATCH) {
        this.#context.wakeAt(this.#context.now());
        return;
      }
      const next = this.#take();
      if (next === undefined) return;
      this.#begin(next.id, next.fresh);
    }
  }

  delivered(message: EarlyMessage): void {
    this.#remove(message.id);
  }

  async preprocess({ id, rules }: EarlyMessage): Promise<boolean> {
    return (await this.#preprocess(id, { rules })) !== undefined;
  }

  stop(): void {
    this.#trigger?.close();
    this.#events?.close();
    clearTimeout(this.#soon);
    this.#fresh.clear();
    this.#scan.stop();
  }

  /**
   * The events have named what came, or will: the scan that makes sure of it serves all pulls of a while. Where there
   * are no events it is made at once.
   */
  #pulled(): void {
    if (this.#soon !== undefined) return;
    const delay = this.#events?.working === true ? PULL_DELAY : 0;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.#scan.want();
      this.kick();
    }, delay);
  }

  #arrived(id: string): void {
    if (this.#fresh.size < FRESH_MAX) this.#fresh.add(id);
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
      if (!this.#taken.has(id)) return { id, fresh: true };
    }
    return undefined;
  }

  #takeScanned(): { id: string; fresh: boolean } | undefined {
    for (;;) {
      const id = this.#scan.take();
      if (id === undefined) return undefined;
      if (isMessageId(id) && !this.#taken.has(id)) return { id, fresh: this.#fresh.delete(id) };
    }
  }

  #begin(id: string, fresh: boolean): void {
    const early = readEarly(this.#context, id);
    if (early === 'gone') return;
    this.#taken.add(id);
    if (early !== undefined && this.#owner.early(early, fresh)) {
      this.#context.log(`new msg ${id}`);
      this.#context.log(early.info);
      return;
    }
    void this.#preprocess(id).then((channels) => {
      if (channels !== undefined) this.#owner.queued(id, channels, fresh);
    });
  }

  async #preprocess(id: string, announced?: Announced) {
    this.#busy++;
    try {
      const channels = await preprocess(this.#tools, id, announced);
      if (channels !== undefined) this.#events?.removed(id);
      return channels;
    } finally {
      this.#taken.delete(id);
      this.#busy--;
      // Whoever waits for the result comes first.
      setImmediate(() => {
        this.kick();
        this.#context.ended();
      });
    }
  }

  // --- after a delivery from todo ---

  #removeDue(): void {
    const now = this.#context.now();
    for (let due = this.#unremoved.takeDue(now); due; due = this.#unremoved.takeDue(now))
      this.#remove(due.id);
  }

  #remove(id: string): void {
    const { clean } = this.#tools;
    this.#busy++;
    void clean.request('todo', id).then((removed) => {
      this.#busy--;
      this.#removed(id, removed);
      this.kick();
      this.#context.ended();
    });
  }

  #removed(id: string, removed: boolean | undefined): void {
    const { paths, log, now } = this.#context;
    if (removed === false) {
      // It stays taken: what was delivered is not to be delivered again.
      log(`warning: qmail-clean unable to clean up ${paths.todo(id)}`);
      this.#unremoved.push(now() + RETRY_SYSTEM, id);
      this.#context.wakeAt(now() + RETRY_SYSTEM);
      return;
    }
    // Before the message's file goes: from then on the number may be another message's.
    this.#events?.removed(id);
    this.#taken.delete(id);
    if (removed === undefined) return;
    log(`end msg ${id}`);
    void this.#tools.clean.requestInTime('foop', id).then((cleaned) => {
      // It leaves S2, which the collector finds.
      if (cleaned === false) log(`warning: qmail-clean unable to clean up ${paths.mess(id)}`);
    });
  }
}
