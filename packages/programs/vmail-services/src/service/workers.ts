// The parent's side of its workers: started on first use, one for each account, let go when idle.

import { type ChildProcess, spawn } from 'node:child_process';
import { Temporary } from '@q/fault';
import { type HeldSocket, passSocket } from '@q/session';
import type { BaseUser } from '@q/vmailmgr';
import { WORK_TIMEOUT, WORKER_IDLE, WORKERS_MAX } from '../limits.ts';
import { messageOf, type ToWorker, type WorkerConfig } from './messages.ts';

export interface WorkerSpawn {
  readonly service: string;
  /** Our own executable. */
  readonly program: string;
  /** A worker's whole environment, but for HOME and USER. */
  readonly env: NodeJS.ProcessEnv;
}

export class Workers {
  readonly #how: WorkerSpawn;
  readonly #workers = new Map<string, Worker>();

  constructor(how: WorkerSpawn) {
    this.#how = how;
  }

  /**
   * Has `work` done with the account's rights; `held` is passed on with it, or closed. Throws Temporary
   * when there are too many workers, or this one died or took too long.
   */
  async do(account: BaseUser, work: unknown, held?: HeldSocket): Promise<unknown> {
    const worker = this.#of(account);
    if (worker === undefined) {
      held?.close();
      throw new Temporary('too many domains are busy');
    }
    return worker.do(work, held);
  }

  /** Ends all workers; resolves when they are gone. */
  async stop(): Promise<void> {
    const all = [...this.#workers.values()];
    for (const worker of all) worker.retire();
    await Promise.all(all.map((worker) => worker.gone));
  }

  #of(account: BaseUser): Worker | undefined {
    const key = JSON.stringify([account.uid, account.gid, account.user, account.home]);
    const running = this.#workers.get(key);
    if (running !== undefined) return running;
    if (this.#workers.size >= WORKERS_MAX) {
      const idle = [...this.#workers.values()].find((worker) => worker.idle);
      if (idle === undefined) return undefined;
      idle.retire();
    }
    const worker = new Worker(this.#how, account, () => {
      if (this.#workers.get(key) === worker) this.#workers.delete(key);
    });
    this.#workers.set(key, worker);
    return worker;
  }
}

type Settle = (answer: { readonly result: unknown } | undefined) => void;

class Worker {
  readonly #child: ChildProcess;
  readonly #forget: () => void;
  readonly #waiting = new Map<number, Settle>();
  readonly gone: Promise<void>;
  #last = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(how: WorkerSpawn, account: BaseUser, forget: () => void) {
    this.#forget = forget;
    this.#child = spawn(process.execPath, [how.program], {
      cwd: '/',
      env: { ...how.env, HOME: account.home, USER: account.user },
      stdio: ['ignore', 'ignore', 2, 'ipc'],
      serialization: 'json',
    });
    this.gone = new Promise((resolve) => {
      const over = () => {
        clearTimeout(this.#timer);
        this.#forget();
        for (const settle of this.#waiting.values()) settle(undefined);
        resolve();
      };
      this.#child.once('exit', over);
      this.#child.once('error', over);
    });
    this.#child.on('message', (message) => {
      const worked = messageOf('worked', message);
      if (worked === undefined) this.#child.kill('SIGKILL');
      else this.#waiting.get(worked.id)?.({ result: worked.result });
    });
    const config: WorkerConfig = { kind: 'be-worker', service: how.service, account };
    this.#child.send(config, () => {});
  }

  get idle(): boolean {
    return this.#waiting.size === 0;
  }

  async do(work: unknown, held: HeldSocket | undefined): Promise<unknown> {
    clearTimeout(this.#timer);
    const id = ++this.#last;
    const message: ToWorker = { kind: 'work', id, work };
    const late = setTimeout(() => this.#child.kill('SIGKILL'), WORK_TIMEOUT);
    const answer = await new Promise<Parameters<Settle>[0]>((settle) => {
      this.#waiting.set(id, settle);
      if (held === undefined) this.#child.send(message, (error) => error && settle(undefined));
      else passSocket(this.#child, message, held).catch(() => settle(undefined));
    });
    clearTimeout(late);
    this.#waiting.delete(id);
    if (this.idle) {
      this.#timer = setTimeout(() => this.retire(), WORKER_IDLE);
      this.#timer.unref();
    }
    if (answer === undefined) throw new Temporary('the worker of this domain ended');
    return answer.result;
  }

  /** No more work: it ends when it has done what it has. */
  retire(): void {
    clearTimeout(this.#timer);
    this.#forget();
    if (this.#child.connected) this.#child.disconnect();
  }
}
