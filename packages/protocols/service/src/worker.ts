// The parent's side of one worker: a process with one user's rights, which is asked for pieces of work.
//
//   parent → worker   work   {id, work} + socket?
//   worker → parent   taken  {id}              it has the socket: only after that is it known to have arrived
//                     worked {id, result}      undefined: it could not be done
//
// Nothing here looks into mail or passwords; it passes them on. What a worker says is checked: the frame here,
// the result by whoever asked.

import { Temporary } from '@q/fault';
import type { HeldSocket } from '@q/session';
import type { BaseUser } from '@q/vmailmgr';
import { type ChildPlaces, type FirstMessage, type ServiceChild, startChild } from './child.ts';
import { messageOf } from './fields.ts';
import { TAKEN_TIMEOUT, WORKER_IDLE } from './limits.ts';

/** A worker's first message. */
export interface WorkerConfig extends FirstMessage {
  readonly role: 'worker';
  readonly account: BaseUser;
}

/** What a piece of work may take with it, and cost. */
export interface WorkOptions {
  /** A client for the worker to serve; closed here in any case. */
  readonly held?: HeldSocket | undefined;
  /**
   * Does the work in the worker's place when it ended before it took `held`, of which nobody has read anything then; `held` is
   * this function's to close. Called once at most.
   */
  readonly elsewhere?: ((held: HeldSocket) => Promise<unknown>) | undefined;
  /** Milliseconds after which the worker is killed. Not for work that serves a client as long as it stays. */
  readonly timeout?: number;
}

/** The worker ended, or did not take the client, before there was a result. */
export class WorkerEnded extends Temporary {
  constructor() {
    super('the worker of this user ended');
  }
}

interface Pending {
  readonly settle: (answer: unknown) => void;
  readonly fail: (error: WorkerEnded) => void;
  readonly late: NodeJS.Timeout | undefined;
  /** The client, until the worker has it. */
  client: Client | undefined;
}

interface Client {
  readonly held: HeldSocket;
  readonly elsewhere: WorkOptions['elsewhere'];
  readonly lost: NodeJS.Timeout;
}

interface Work {
  readonly kind: 'work';
  readonly id: number;
  readonly work: unknown;
}

/** One worker process. After it is gone every question is answered by WorkerEnded. */
export class Worker {
  readonly #child: ServiceChild;
  readonly #forget: () => void;
  readonly #pending = new Map<number, Pending>();
  /** Resolves when the process is gone. Never rejects. */
  readonly gone: Promise<void>;
  #last = 0;
  /** Those who will ask for more work soon, so that it is not let go in between. */
  #kept = 0;
  #timer: NodeJS.Timeout | undefined;
  #state: 'serving' | 'ending' | 'gone' = 'serving';

  /** Starts it. Throws Temporary when it cannot be. `forget` is called once no more work is to be given to it. */
  constructor(how: ChildPlaces, account: BaseUser, forget: () => void) {
    const env = { ...how.env, HOME: account.home, USER: account.user };
    const first: WorkerConfig = { role: 'worker', account };
    this.#child = startChild({ ...how, env }, first);
    this.#forget = forget;
    this.gone = this.#child.exited.then(() => this.#over());
    this.#child.onMessage((message, held) => {
      held?.close();
      this.#hear(message);
    });
    this.#rest();
  }

  get idle(): boolean {
    return this.#pending.size === 0 && this.#kept === 0;
  }

  /**
   * Has `work` done; gives its result. Throws WorkerEnded when the worker ended without one. What it waits with for a session's
   * end holds nothing of `work`: there may be thousands of them, and each came with an environment.
   */
  async ask(work: unknown, { held, timeout, elsewhere }: WorkOptions = {}): Promise<unknown> {
    if (this.#state === 'gone') {
      if (held !== undefined && elsewhere !== undefined) return elsewhere(held);
      held?.close();
      throw new WorkerEnded();
    }
    clearTimeout(this.#timer);
    const id = ++this.#last;
    const client = held && {
      held,
      elsewhere,
      lost: setTimeout(() => this.#end(id, undefined), TAKEN_TIMEOUT),
    };
    const answer = this.#answerTo(id, client, timeout);
    const message: Work = { kind: 'work', id, work };
    if (held === undefined) this.#child.tell(message);
    else this.#child.pass(message, held);
    return answer;
  }

  #answerTo(id: number, client: Client | undefined, timeout: number | undefined): Promise<unknown> {
    const late =
      timeout === undefined ? undefined : setTimeout(() => this.#child.kill('SIGKILL'), timeout);
    return new Promise((settle, fail) => {
      this.#pending.set(id, { settle, fail, late, client });
    });
  }

  /** The worker has the client: whatever happens now, nobody else may serve it. */
  #taken(pending: Pending | undefined): void {
    if (pending?.client === undefined) return;
    clearTimeout(pending.client.lost);
    pending.client.held.close();
    pending.client = undefined;
  }

  /** `answer`: undefined when none will come. */
  #end(id: number, answer: { readonly result: unknown } | undefined): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    clearTimeout(pending.late);
    this.#pending.delete(id);
    this.#taken(pending);
    if (answer === undefined) pending.fail(new WorkerEnded());
    else pending.settle(answer.result);
    this.#rest();
  }

  /** Keeps it from being let go until `release` is called. */
  keep(): () => void {
    this.#kept++;
    let done = false;
    return () => {
      if (done) return;
      done = true;
      this.#kept--;
      this.#rest();
    };
  }

  /** No more work: it ends when it has done what it has. */
  retire(): void {
    clearTimeout(this.#timer);
    this.#forget();
    this.#child.letGo();
  }

  /** As retire(), but the results of what it is doing are still heard. */
  drain(): void {
    this.#forget();
    if (this.#state === 'serving') this.#state = 'ending';
    this.#rest();
  }

  /** As drain(), and asks it to cut short what it does. */
  stop(): void {
    this.#child.kill('SIGTERM');
    this.drain();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    if (this.#state === 'ending' && this.#pending.size === 0) this.retire();
    if (!this.idle || this.#state !== 'serving') return;
    this.#timer = setTimeout(() => this.retire(), WORKER_IDLE);
    this.#timer.unref();
  }

  #hear(message: unknown): void {
    const taken = messageOf('taken', message);
    if (taken !== undefined) {
      this.#taken(this.#pending.get(taken.id));
      return;
    }
    const worked = messageOf('worked', message);
    if (worked === undefined) this.#child.kill('SIGKILL');
    else this.#end(worked.id, { result: worked.result });
  }

  /** All that the worker said has been heard: a client it has not said to have taken it has not touched. */
  #over(): void {
    this.#state = 'gone';
    clearTimeout(this.#timer);
    this.#forget();
    for (const [id, pending] of this.#pending) {
      const { held, elsewhere, lost } = pending.client ?? {};
      if (held !== undefined && elsewhere !== undefined) {
        clearTimeout(lost);
        pending.client = undefined;
        pending.settle(elsewhere(held));
      }
      this.#end(id, undefined);
    }
  }
}
