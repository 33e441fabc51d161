// The workers of a service: one for each account, started on first use, shared by all work of that account, let
// go when idle.

import { Temporary } from '@q/fault';
import type { BaseUser } from '@q/vmailmgr';
import type { ChildPlaces } from './child.ts';
import { WORKERS_MAX } from './limits.ts';
import { Worker, type WorkOptions } from './worker.ts';

export class WorkerPool {
  readonly #how: ChildPlaces;
  readonly #max: number;
  readonly #workers = new Map<string, Worker>();
  /** Those that are to end too, until they have. */
  readonly #all = new Set<Worker>();
  #ending = false;

  /** `how.env` is a worker's whole environment, but for HOME and USER. */
  constructor(how: ChildPlaces, max: number = WORKERS_MAX) {
    this.#how = how;
    this.#max = max;
  }

  /** The worker of an account. Throws Temporary when there are too many and all are busy, or none can be started any more. */
  of(account: BaseUser): Worker {
    if (this.#ending) throw new Temporary('the service is ending');
    const key = JSON.stringify([account.uid, account.gid, account.user, account.home]);
    const running = this.#workers.get(key);
    if (running !== undefined) return running;
    if (this.#workers.size >= this.#max) {
      const idle = [...this.#workers.values()].find((worker) => worker.idle);
      if (idle === undefined) throw new Temporary('too many users are busy');
      idle.retire();
    }
    const worker: Worker = new Worker(this.#how, account, () => {
      if (this.#workers.get(key) === worker) this.#workers.delete(key);
    });
    this.#workers.set(key, worker);
    this.#all.add(worker);
    void worker.gone.then(() => this.#all.delete(worker));
    return worker;
  }

  /** Has `work` done with the account's rights. Throws Temporary; `held` is closed then. */
  async do(account: BaseUser, work: unknown, options: WorkOptions = {}): Promise<unknown> {
    let worker: Worker;
    try {
      worker = this.of(account);
    } catch (error) {
      options.held?.close();
      throw error;
    }
    return worker.ask(work, options);
  }

  /** Lets all workers finish what they have; resolves when they are gone. */
  async drain(): Promise<void> {
    this.#ending = true;
    for (const worker of this.#all) worker.drain();
    await this.#allGone();
  }

  /** Has them cut it short. */
  async stop(): Promise<void> {
    this.#ending = true;
    for (const worker of this.#all) worker.stop();
    await this.#allGone();
  }

  async #allGone(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.gone));
  }
}
