// Warm workers by key: a key stands for everything that must not be mixed, such as a user and his home.
// Bounded for each key and in all, and never in the way: where no worker is to be had the caller does
// without, as it would if there were none.
//
//   a worker is   starting → busy ⇄ idle → ended
//   busy → idle   its calls are over; who waits for one of the key takes it at once
//   → ended       idle for too long, wanted for another key, its program replaced, or gone by itself

import { stampAt } from '@q/fsx';
import type { Call } from './call.ts';
import { Group, type Idle, type Shared, type Waiter } from './group.ts';
import {
  ALONE,
  COLD,
  IDLE,
  IDLE_FOR_OTHERS,
  KEYS,
  PATIENCE,
  PATIENCE_MAX,
  READY,
  TOGETHER,
  WORKERS_PER_KEY,
  WORKERS_TOTAL,
} from './limits.ts';
import { type Called, Worker, type WorkerRequest } from './worker.ts';

/** Numbers of workers, and times in milliseconds. */
export interface PoolLimits {
  readonly total: number;
  readonly perKey: number;
  readonly idle: number;
  readonly idleForOthers: number;
  readonly patience: number;
  readonly ready: number;
  readonly cold: number;
}

const LIMITS: PoolLimits = {
  total: WORKERS_TOTAL,
  perKey: WORKERS_PER_KEY,
  idle: IDLE,
  idleForOthers: IDLE_FOR_OTHERS,
  patience: PATIENCE,
  ready: READY,
  cold: COLD,
};

export class WorkerPool {
  readonly #limits: PoolLimits;
  readonly #groups = new Map<string, Group>();
  #size = 0;
  #closed = false;

  constructor(limits: Partial<PoolLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * A worker for one call, which begins with Worker.begin. `request` starts one if need be, and is the same
   * for all calls of a key. Resolves to undefined, after `patience` at most, when the caller is to do
   * without. Never rejects.
   */
  async take(key: string, request: WorkerRequest): Promise<Worker | undefined> {
    const version = this.#versionFor(key, request);
    if (version === undefined) return undefined;
    const group = this.#group(key);
    const idle = group.takeIdle(version);
    if (idle !== undefined) return idle;
    if (group.size > 0) {
      const freed = await this.#wait(group);
      if (freed !== undefined) return freed;
    }
    // After a wait the group may have been forgotten.
    return this.#start(this.#group(key), request, version);
  }

  /**
   * Makes a call that has no fd 1 and 2, and `input` or nothing to read from, perhaps beside others of its key.
   * Resolves to undefined when nothing has been done: no worker is to be had, or the last such call of the key
   * needed its files. Never rejects.
   */
  async ask(
    key: string,
    request: WorkerRequest,
    call: Call,
    input: number | undefined,
  ): Promise<Called | undefined> {
    const version = this.#versionFor(key, request);
    if (version === undefined) return undefined;
    const group = this.#group(key);
    if (group.needsFiles) return undefined;
    const idle = group.takeIdle(version);
    const called =
      idle === undefined
        ? await this.#share(group, { call, input }, () => this.#more(key, request, version))
        : await idle.ask(call, input);
    if (called?.needsFiles === true) group.needsFiles = true;
    return called;
  }

  /** Lets all idle workers go. Nobody may be using one or ask for one any more. */
  close(): void {
    this.#closed = true;
    for (const { idle } of this.#groups.values()) for (const { worker } of [...idle]) worker.end();
  }

  /** Undefined when there is nothing to start, or it was no worker when it was tried. */
  #versionFor(key: string, request: WorkerRequest): string | undefined {
    if (this.#limits.total <= 0) return undefined;
    const version = versionOf(request.file);
    if (version === undefined || this.#groups.get(key)?.isCold(version)) return undefined;
    return version;
  }

  #group(key: string): Group {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    if (this.#groups.size >= KEYS) this.#forgetUnused();
    const group = new Group();
    this.#groups.set(key, group);
    return group;
  }

  #forgetUnused(): void {
    for (const [key, group] of this.#groups) if (group.unused) this.#groups.delete(key);
  }

  #wait(group: Group): Promise<Worker | undefined> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        alone: (worker) => {
          clearTimeout(timer);
          resolve(worker);
        },
      };
      const timer = setTimeout(() => {
        group.waiting.delete(waiter);
        resolve(undefined);
      }, this.#limits.patience);
      group.waiting.add(waiter);
    });
  }

  /**
   * Waits for a worker to share. `more` is to bring another one, when none of the key's has answered for so long
   * that they may be hanging; who has waited since then goes without if there can be none.
   */
  #share(
    group: Group,
    { call, input }: Omit<Shared, 'done'>,
    more: () => 'coming' | 'none',
  ): Promise<Called | undefined> {
    return new Promise((resolve) => {
      const begun = performance.now();
      const done = (called: Promise<Called> | undefined) => {
        clearTimeout(timer);
        resolve(called);
      };
      const waiter: Waiter = { shared: { call, input, done } };
      const look = () => {
        const now = performance.now();
        const quiet = now - Math.max(begun, group.progress);
        const { patience } = this.#limits;
        const late = now - begun >= Math.max(PATIENCE_MAX, patience);
        if (!late && quiet < patience) {
          timer = setTimeout(look, patience - quiet);
        } else if (!late && more() === 'coming') {
          timer = setTimeout(look, patience);
        } else {
          group.waiting.delete(waiter);
          resolve(undefined);
        }
      };
      let timer = setTimeout(look, this.#limits.patience);
      group.waiting.add(waiter);
      if (group.size === 0 && more() === 'none') {
        group.waiting.delete(waiter);
        done(undefined);
      }
    });
  }

  /** One more worker for those who wait. A start under way is one already. */
  #more(key: string, request: WorkerRequest, version: string): 'coming' | 'none' {
    const group = this.#group(key);
    if (group.starting) return 'coming';
    if (!this.#mayStart(group)) return 'none';
    group.starting = true;
    void this.#start(group, request, version).then((worker) => {
      group.starting = false;
      if (worker !== undefined) this.#free(group, worker, version);
    });
    return 'coming';
  }

  #mayStart(group: Group): boolean {
    return !this.#closed && group.size < this.#limits.perKey && this.#makeRoom();
  }

  async #start(group: Group, request: WorkerRequest, version: string): Promise<Worker | undefined> {
    if (!this.#mayStart(group)) return undefined;
    group.size++;
    this.#size++;
    const worker = await Worker.start(request, this.#limits.ready);
    if (worker === undefined) {
      group.cold = { version, until: performance.now() + this.#limits.cold };
      this.#gone(group);
      return undefined;
    }
    worker.follow(
      () => this.#free(group, worker, version),
      (crashed) => {
        if (crashed) group.aloneUntil = performance.now() + ALONE;
        group.forgetIdle(worker);
        this.#gone(group);
      },
    );
    return worker;
  }

  /** Its calls are over, or it is new. */
  #free(group: Group, worker: Worker, version: string): void {
    const now = performance.now();
    group.progress = now;
    if (worker.plainWouldDo) group.needsFiles = false;
    let used = false;
    for (const waiter of group.nextWaiters(now < group.aloneUntil ? 1 : TOGETHER)) {
      used = true;
      if (waiter.shared === undefined) waiter.alone(worker);
      else waiter.shared.done(worker.ask(waiter.shared.call, waiter.shared.input));
    }
    if (used || worker.ended) return;
    const timer = setTimeout(() => worker.end(), this.#limits.idle);
    timer.unref();
    group.idle.push({ worker, version, since: now, timer });
  }

  /** Who waited for the last worker of the key has nothing to wait for. */
  #gone(group: Group): void {
    group.size--;
    this.#size--;
    if (group.size > 0) return;
    for (const waiter of [...group.waiting]) {
      group.waiting.delete(waiter);
      if (waiter.shared === undefined) waiter.alone(undefined);
      else waiter.shared.done(undefined);
    }
  }

  /** True when one more may be started, if need be in the place of the one that was idle for longest. */
  #makeRoom(): boolean {
    if (this.#size < this.#limits.total) return true;
    let oldest: Idle | undefined;
    for (const { idle } of this.#groups.values()) {
      const first = idle[0];
      if (first !== undefined && first.since < (oldest?.since ?? Infinity)) oldest = first;
    }
    if (oldest === undefined) return false;
    if (performance.now() - oldest.since < this.#limits.idleForOthers) return false;
    oldest.worker.end();
    return true;
  }
}

/** Differs when an upgrade has put another file there; undefined when there is none. */
function versionOf(file: string): string | undefined {
  try {
    return stampAt(file);
  } catch {
    return undefined;
  }
}
