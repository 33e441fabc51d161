// The parent's side of its workers: started on first use, shared by all sessions of one account, let go
// when idle. Nothing here looks into mail or passwords; it passes them on.

import { type ChildProcess, spawn } from 'node:child_process';
import { type HeldSocket, passSocket } from '@q/session';
import type { Tally } from '../session.ts';
import { WORKER_IDLE, WORKERS_MAX } from './limits.ts';
import {
  type Account,
  type FromWorker,
  fromWorker,
  type ToWorker,
  type WorkerConfig,
} from './messages.ts';

export interface WorkerSpawn {
  /** Our own executable. */
  readonly program: string;
  /** A worker's whole environment, but for HOME and USER. */
  readonly env: NodeJS.ProcessEnv;
  readonly maildir: string;
}

export class Workers {
  readonly #how: WorkerSpawn;
  readonly #workers = new Map<string, Worker>();

  constructor(how: WorkerSpawn) {
    this.#how = how;
  }

  /** The worker of an account; undefined when there are too many and all are busy. */
  of(account: Account): Worker | undefined {
    const key = JSON.stringify([account.uid, account.gid, account.name, account.home]);
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

  /** Ends all workers; resolves when they are gone. */
  async stop(): Promise<void> {
    const all = [...this.#workers.values()];
    for (const worker of all) worker.stop();
    await Promise.all(all.map((worker) => worker.gone));
  }
}

type Checked = FromWorker & { kind: 'checked' };

/** One worker process. After it is gone every question is answered, "temporary", and every session ended. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #forget: () => void;
  readonly #checks = new Map<number, (answer: Checked) => void>();
  readonly #sessions = new Map<number, (tally: Tally | undefined) => void>();
  readonly gone: Promise<void>;
  /** Logins between check and serve, so that it is not let go in between. */
  #expected = 0;
  #timer: NodeJS.Timeout | undefined;
  #isGone = false;

  constructor(how: WorkerSpawn, account: Account, forget: () => void) {
    this.#forget = forget;
    this.#child = spawn(process.execPath, [how.program], {
      cwd: '/',
      env: { ...how.env, HOME: account.home, USER: account.name },
      stdio: ['ignore', 'ignore', 2, 'ipc'],
      serialization: 'json',
    });
    this.gone = new Promise((resolve) => {
      const over = () => {
        this.#over();
        resolve();
      };
      this.#child.once('exit', over);
      this.#child.once('error', over);
    });
    this.#child.on('message', (message) => this.#onMessage(fromWorker(message)));
    const config: WorkerConfig = {
      kind: 'be-worker',
      account,
      maildir: how.maildir,
    };
    this.#child.send(config, () => {});
    this.#rest();
  }

  get idle(): boolean {
    return this.#checks.size === 0 && this.#sessions.size === 0 && this.#expected === 0;
  }

  /** Asks for a verdict on a virtual user's password. */
  async check(
    id: number,
    login: Omit<ToWorker & { kind: 'check' }, 'kind' | 'id'>,
  ): Promise<Omit<Checked, 'kind' | 'id'>> {
    if (this.#isGone) return { verdict: 'temporary' };
    const answer = await new Promise<Checked>((resolve) => {
      this.#checks.set(id, resolve);
      const message: ToWorker = { kind: 'check', id, ...login };
      this.#child.send(message, () => {});
    });
    this.#checks.delete(id);
    this.#rest();
    return answer;
  }

  /** Keeps the worker until `release` is called. */
  expect(): () => void {
    this.#expected++;
    let done = false;
    return () => {
      if (done) return;
      done = true;
      this.#expected--;
      this.#rest();
    };
  }

  /** Gives it a client; resolves when the session is over. */
  async serve(
    id: number,
    held: HeldSocket,
    rest: string,
    maildir: string,
  ): Promise<Tally | undefined> {
    if (this.#isGone) {
      held.close();
      return undefined;
    }
    const over = new Promise<Tally | undefined>((resolve) => this.#sessions.set(id, resolve));
    const message: ToWorker = { kind: 'serve', id, rest, maildir };
    passSocket(this.#child, message, held).catch(() => this.#sessions.get(id)?.(undefined));
    const tally = await over;
    this.#sessions.delete(id);
    this.#rest();
    return tally;
  }

  /** No more work: it ends by itself when its sessions do. */
  retire(): void {
    clearTimeout(this.#timer);
    this.#forget();
    if (this.#child.connected) this.#child.disconnect();
  }

  stop(): void {
    this.#child.kill('SIGTERM');
  }

  #rest(): void {
    clearTimeout(this.#timer);
    if (!this.idle || this.#isGone) return;
    this.#timer = setTimeout(() => this.retire(), WORKER_IDLE);
    this.#timer.unref();
  }

  #onMessage(message: FromWorker | undefined): void {
    if (message === undefined) this.#child.kill('SIGKILL');
    else if (message.kind === 'checked') this.#checks.get(message.id)?.(message);
    else this.#sessions.get(message.id)?.(message.tally);
  }

  #over(): void {
    this.#isGone = true;
    clearTimeout(this.#timer);
    this.#forget();
    for (const [id, resolve] of this.#checks)
      resolve({ kind: 'checked', id, verdict: 'temporary' });
    for (const resolve of this.#sessions.values()) resolve(undefined);
  }
}
