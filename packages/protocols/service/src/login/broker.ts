// What the parent does, as root on a real host: finds the account a login name means, has the password judged,
// and passes the client on. It never reads from a client and never opens a user's file.
//
// A login id goes through these states; anything else the login process says is a bug or an attack, and ends the
// service:
//
//   login → judging → (not ok) forgotten
//                   → (ok)     admitted → take → serving → ended: forgotten
//                                       → drop → forgotten
//                                       → nothing for TAKE_TIMEOUT → expired → take or drop → forgotten

import { asciiLower } from '@q/bytes';
import { faultOf } from '@q/fault';
import { escapeForLog, type Log } from '@q/log';
import { argText } from '@q/proc';
import type { HeldSocket } from '@q/session';
import {
  type BaseUser,
  EXIT_LOGIN_REFUSED,
  type HookPlace,
  LoginAttempt,
  type LoginCredentials,
  refused,
} from '@q/vmailmgr';
import { type Worker, WorkerEnded } from '../worker.ts';
import type { WorkerPool } from '../worker-pool.ts';
import { HOOK_SECONDS, SESSIONS_MAX, TAKE_TIMEOUT } from './limits.ts';
import {
  checkedOf,
  countsOf,
  type Env,
  type FromLogin,
  type LoginWork,
  type ToLogin,
  type Verdict,
} from './messages.ts';

interface Admitted {
  readonly account: BaseUser;
  readonly worker: Worker;
  /** For a client that proved its password by SCRAM. */
  readonly proof: string | undefined;
  /** For the worker, when it gets the client. */
  readonly env: Env;
  readonly release: () => void;
}

type Status =
  | { readonly is: 'judging' | 'dropped' | 'serving' | 'expired' }
  | ({ readonly is: 'admitted'; readonly timer: NodeJS.Timeout } & Admitted);

const SERVING: Status = { is: 'serving' };

export interface BrokerPlaces {
  /** What hooks start from. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** A system user's. */
  readonly maildir: string;
  readonly workers: WorkerPool;
  readonly log: Log;
  tell(message: ToLogin): void;
  /**
   * The account that certificates (DER) name whose chain leads to a CA of ours. Throws Permanent for any others; undefined where
   * there are no logins by certificate.
   */
  nameIn?(certificates: readonly Buffer[]): string | undefined;
}

/** Hooks have no client at hand here. */
export const HOOK_PLACE: Omit<HookPlace, 'env'> = {
  stdio: ['ignore', 'ignore', 2],
  seconds: HOOK_SECONDS,
};

export class Broker {
  readonly #places: BrokerPlaces;
  readonly #status = new Map<number, Status>();

  constructor(places: BrokerPlaces) {
    this.#places = places;
  }

  /** False for what the login process may not say. */
  onMessage(message: FromLogin | undefined, held: HeldSocket | undefined): boolean {
    const known = message && this.#status.get(message.id);
    if (message?.kind === 'take' && held !== undefined && known?.is === 'admitted') {
      this.#serve(message, known, held);
      return true;
    }
    held?.close();
    if (message?.kind === 'login' && known === undefined && this.#status.size < SESSIONS_MAX) {
      void this.#judge(message);
      return true;
    }
    if (message?.kind === 'take' && known?.is === 'expired') {
      this.#end(message.id);
      return true;
    }
    if (message?.kind !== 'drop') return false;
    // It may cross our verdict on the way.
    if (known?.is === 'judging') this.#status.set(message.id, { is: 'dropped' });
    if (known?.is === 'admitted') this.#forgo(known);
    if (known?.is === 'admitted' || known?.is === 'expired') this.#status.delete(message.id);
    return true;
  }

  async #judge(login: FromLogin & { kind: 'login' }): Promise<void> {
    const { id } = login;
    this.#status.set(id, { is: 'judging' });
    let admitted: Admitted | undefined;
    let verdict: Verdict;
    try {
      const outcome = await this.#admit(login);
      if (typeof outcome === 'string') verdict = outcome;
      else [admitted, verdict] = [outcome, 'ok'];
    } catch (error) {
      const fault = faultOf(error, 'unable to judge a login');
      verdict = fault.exitCode === EXIT_LOGIN_REFUSED ? 'refused' : 'temporary';
      if (verdict === 'temporary') this.#places.log(`warning: ${escapeForLog(fault.message)}`);
    }
    if (admitted !== undefined && this.#status.get(id)?.is === 'judging') {
      const timer = setTimeout(() => this.#expire(id), TAKE_TIMEOUT);
      timer.unref();
      this.#status.set(id, { is: 'admitted', timer, ...admitted });
    } else {
      admitted?.release();
      this.#status.delete(id);
    }
    const proof = admitted?.proof;
    this.#places.tell({ kind: 'verdict', id, verdict, ...(proof !== undefined && { proof }) });
  }

  /** Throws `refused` or Temporary, as @q/vmailmgr does; its hooks have been told then. */
  async #admit(login: FromLogin & { kind: 'login' }): Promise<Admitted | Verdict> {
    const attempt = new LoginAttempt({ ...this.#places.env, ...login.client }, HOOK_PLACE);
    try {
      return await this.#begin(attempt, login);
    } catch (error) {
      throw await attempt.fail(error);
    }
  }

  async #begin(
    attempt: LoginAttempt,
    login: FromLogin & { kind: 'login' },
  ): Promise<Admitted | Verdict> {
    const { maildir } = this.#places;
    const credentials = credentialsOf(login);
    if (credentials === undefined) this.#checkCertificates(login);
    const { base, virtualName, name, domain } =
      credentials === undefined
        ? await attempt.beginTrusted(login.user)
        : await attempt.begin(credentials);
    attempt.env.AUTHENTICATED = argText(virtualName === name ? `${name}@${domain}` : name);
    const env = attempt.env as Env;
    const work: LoginWork =
      credentials === undefined
        ? { do: 'admit', virtualName, maildir, env }
        : { do: 'login', virtualName, credentials, maildir, env };
    try {
      return await this.#check(base, work);
    } catch (error) {
      if (!(error instanceof WorkerEnded)) throw error;
      // It was about to end, or died of something else: another one tells, once.
      return await this.#check(base, work);
    }
  }

  /** Throws WorkerEnded, or another Temporary. */
  async #check(account: BaseUser, work: LoginWork): Promise<Admitted | Verdict> {
    const worker = this.#places.workers.of(account);
    const release = worker.keep();
    try {
      const checked = checkedOf(await worker.ask(work));
      if (checked.verdict === 'ok')
        return { account, worker, env: checked.env, proof: checked.proof, release };
      release();
      return checked.verdict;
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * The login process could say anything: it has to show certificates that name this user. That the client had the key to them
   * only the login process has seen. Throws `refused`.
   */
  #checkCertificates(login: FromLogin & { kind: 'login' }): void {
    const { nameIn, log } = this.#places;
    const chain = 'certificates' in login ? login.certificates : [];
    try {
      const name = nameIn?.(chain.map((each) => Buffer.from(each, 'base64')));
      if (name !== undefined && asciiLower(name) === asciiLower(login.user)) return;
    } catch (error) {
      log(`warning: certificate refused: ${escapeForLog(faultOf(error, 'unreadable').message)}`);
    }
    throw refused('Certificate is not for this user');
  }

  /** What waits for the end of the session holds no more than its id. */
  #serve(
    { id, rest, tag, secure }: FromLogin & { kind: 'take' },
    to: Admitted & { readonly timer: NodeJS.Timeout },
    held: HeldSocket,
  ): void {
    this.#status.set(id, SERVING);
    const work: LoginWork = { do: 'serve', rest, secure, ...(tag && { tag }), env: to.env };
    const serving = this.#pass(to, work, held);
    this.#forgo(to);
    serving.then(
      (result) => this.#end(id, result),
      () => this.#end(id),
    );
  }

  /** A worker that ended before it took the client has touched nothing of it: then another one is given it, once. */
  #pass({ worker, account }: Admitted, work: LoginWork, held: HeldSocket): Promise<unknown> {
    const { workers } = this.#places;
    const elsewhere = (again: HeldSocket) => workers.do(account, work, { held: again });
    return worker.ask(work, { held, elsewhere });
  }

  #forgo({ timer, release }: Admitted & { readonly timer: NodeJS.Timeout }): void {
    clearTimeout(timer);
    release();
  }

  #expire(id: number): void {
    const known = this.#status.get(id);
    if (known?.is !== 'admitted') return;
    known.release();
    this.#status.set(id, { is: 'expired' });
    this.#places.tell({ kind: 'ended', id });
  }

  #end(id: number, result?: unknown): void {
    const counts = countsOf(result);
    this.#status.delete(id);
    this.#places.tell({ kind: 'ended', id, ...(counts && { counts }) });
  }
}

/** Undefined for a login by certificate. */
function credentialsOf(login: FromLogin & { kind: 'login' }): LoginCredentials | undefined {
  if ('certificates' in login) return undefined;
  const { user, password, stamp } = login;
  return { user, password, ...(stamp && { stamp }) };
}
