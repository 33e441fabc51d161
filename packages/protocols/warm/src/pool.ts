// Warm workers by key: a key stands for everything that must not be mixed, such as a user and his home.
// Bounded for each key and in all, and never in the way: where no worker is to be had the caller does
// without, as it would if there were none.
//
//   a worker is   starting → busy ⇄ idle → ended
//   busy → idle   its call is over; the next waiting caller of the key takes it at once
//   → ended       idle for too long, wanted for another key, its program replaced, or gone by itself

import { statSync } from 'node:fs';
import {
  COLD,
  IDLE,
  IDLE_FOR_OTHERS,
  KEYS,
  PATIENCE,
  READY,
  WORKERS_PER_KEY,
  WORKERS_TOTAL,
} from './limits.ts';
import { Worker, type WorkerRequest } from './worker.ts';

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

interface Idle {
  readonly worker: Worker;
  readonly version: string;
  readonly since: number;
  readonly timer: NodeJS.Timeout;
}

interface Group {
  /** Starting, busy and idle ones. */
  size: number;
  /** The most recently used last: the others may get old. */
  readonly idle: Idle[];
  readonly waiting: ((worker: Worker | undefined) => void)[];
  /** The program that did not become a worker, and until when that is remembered. */
  cold: { readonly version: string; readonly until: number } | undefined;
}

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
    const version = versionOf(request.file);
    if (version === undefined || this.#limits.total <= 0) return undefined;
    const group = this.#group(key);
    if (isCold(group, version)) return undefined;
    const idle = this.#takeIdle(group, version);
    if (idle !== undefined) return idle;
    if (group.size > 0) {
      const freed = await this.#wait(group);
      if (freed !== undefined) return freed;
    }
    // After a wait the group may have been forgotten.
    return this.#start(this.#group(key), request, version);
  }

  /** Lets all idle workers go. Nobody may be using one or ask for one any more. */
  close(): void {
    this.#closed = true;
    for (const { idle } of this.#groups.values()) for (const { worker } of [...idle]) worker.end();
  }

  #group(key: string): Group {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    if (this.#groups.size >= KEYS) this.#forgetEmpty();
    const group: Group = { size: 0, idle: [], waiting: [], cold: undefined };
    this.#groups.set(key, group);
    return group;
  }

  #forgetEmpty(): void {
    for (const [key, group] of this.#groups)
      if (group.size === 0 && group.waiting.length === 0) this.#groups.delete(key);
  }

  /** The one used last. Those of a program that has been replaced are let go. */
  #takeIdle(group: Group, version: string): Worker | undefined {
    for (;;) {
      const last = group.idle.pop();
      if (last === undefined) return undefined;
      clearTimeout(last.timer);
      if (last.version === version) return last.worker;
      last.worker.end();
    }
  }

  #wait(group: Group): Promise<Worker | undefined> {
    return new Promise((resolve) => {
      const done = (worker: Worker | undefined) => {
        clearTimeout(timer);
        const place = group.waiting.indexOf(done);
        if (place >= 0) group.waiting.splice(place, 1);
        resolve(worker);
      };
      const timer = setTimeout(done, this.#limits.patience, undefined);
      group.waiting.push(done);
    });
  }

  async #start(group: Group, request: WorkerRequest, version: string): Promise<Worker | undefined> {
    if (this.#closed || group.size >= this.#limits.perKey || !this.#makeRoom()) return undefined;
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
      () => {
        const place = group.idle.findIndex((one) => one.worker === worker);
        if (place >= 0) clearTimeout(group.idle.splice(place, 1)[0]?.timer);
        this.#gone(group);
      },
    );
    return worker;
  }

  #free(group: Group, worker: Worker, version: string): void {
    const next = group.waiting.at(0);
    if (next !== undefined) {
      next(worker);
      return;
    }
    const timer = setTimeout(() => worker.end(), this.#limits.idle);
    timer.unref();
    group.idle.push({ worker, version, since: performance.now(), timer });
  }

  /** Who waited for the last worker of the key has nothing to wait for. */
  #gone(group: Group): void {
    group.size--;
    this.#size--;
    if (group.size === 0) for (const waiter of [...group.waiting]) waiter(undefined);
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

function isCold({ cold }: Group, version: string): boolean {
  return cold !== undefined && cold.version === version && performance.now() < cold.until;
}

/** Differs when an upgrade has put another file there; undefined when there is none. */
function versionOf(file: string): string | undefined {
  try {
    const stats = statSync(file, { bigint: true });
    return [stats.dev, stats.ino, stats.size, stats.ctimeNs].join();
  } catch {
    return undefined;
  }
}
