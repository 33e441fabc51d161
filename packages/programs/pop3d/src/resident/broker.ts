// What the parent does, as root on a real host: finds the account a login name means, has the password
// judged, and passes the client on. It never reads from a client and never opens a user's file.
//
// A login id goes through these states; anything else the login process says is a bug or an attack, and
// ends the service:
//
//   login  → judging → (not ok) forgotten
//                    → (ok)     admitted → take → serving → ended: forgotten
//                                        → drop → forgotten

import { bytesOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import { escapeForLog, type Log } from '@q/log';
import type { HeldSocket } from '@q/session';
import {
  authenticateSystem,
  EXIT_LOGIN_REFUSED,
  openSettings,
  resolveLogin,
  verifyPasswordAsync,
} from '@q/vmailmgr';
import { SESSIONS_MAX } from './limits.ts';
import type { FromLogin, ToLogin, Verdict } from './messages.ts';
import type { Worker, Workers } from './workers.ts';

interface Admitted {
  readonly worker: Worker;
  readonly maildir: string;
  readonly release: () => void;
}

type Status =
  | { readonly is: 'judging' | 'dropped' | 'serving' }
  | ({ readonly is: 'admitted' } & Admitted);

export interface BrokerPlaces {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly maildir: string;
  readonly workers: Workers;
  readonly log: Log;
  tell(message: ToLogin): void;
}

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
      void this.#serve(message.id, known, held, message.rest);
      return true;
    }
    held?.close();
    if (message?.kind === 'login' && known === undefined && this.#status.size < SESSIONS_MAX) {
      void this.#judge(message);
      return true;
    }
    if (message?.kind !== 'drop') return false;
    // It may cross our verdict on the way.
    if (known?.is === 'admitted') {
      known.release();
      this.#status.delete(message.id);
    } else if (known?.is === 'judging') this.#status.set(message.id, { is: 'dropped' });
    return true;
  }

  async #judge(login: FromLogin & { kind: 'login' }): Promise<void> {
    const { id } = login;
    this.#status.set(id, { is: 'judging' });
    let admitted: Admitted | undefined;
    let verdict: Verdict = 'refused';
    try {
      const outcome = await this.#admit(login);
      if (typeof outcome === 'string') verdict = outcome;
      else [admitted, verdict] = [outcome, 'ok'];
    } catch (error) {
      const fault = faultOf(error, 'unable to judge a login');
      if (fault.exitCode !== EXIT_LOGIN_REFUSED) {
        verdict = 'temporary';
        this.#places.log(`warning: ${escapeForLog(fault.message)}`);
      }
    }
    if (admitted !== undefined && this.#status.get(id)?.is === 'judging')
      this.#status.set(id, { is: 'admitted', ...admitted });
    else {
      admitted?.release();
      this.#status.delete(id);
    }
    this.#places.tell({ kind: 'verdict', id, verdict });
  }

  /** Throws `refused` or Temporary, as @q/vmailmgr does. */
  async #admit(login: FromLogin & { kind: 'login' }): Promise<Admitted | Verdict> {
    const { workers, maildir } = this.#places;
    const password = bytesOf(login.password);
    const { base, virtualName } = await this.#resolve(login, password);
    const { user: name, uid, gid, home } = base;
    if (virtualName === '') {
      // A system user's password is stored hashed: there is nothing to make a digest of.
      await authenticateSystem(login.stamp === undefined ? name : '', password);
    }
    const worker = workers.of({ name, uid, gid, home });
    if (worker === undefined) return 'temporary';
    const release = worker.expect();
    if (virtualName === '') return { worker, maildir, release };
    const { stamp } = login;
    const check = { user: virtualName, password: login.password, ...(stamp && { stamp }) };
    const answer = await worker.check(login.id, check);
    if (answer.verdict === 'ok' && answer.maildir !== undefined)
      return { worker, maildir: answer.maildir, release };
    release();
    return answer.verdict === 'ok' ? 'temporary' : answer.verdict;
  }

  /** An unknown name costs as much time as a wrong password. */
  async #resolve({ user, localHost }: FromLogin & { kind: 'login' }, password: Buffer) {
    try {
      const settings = openSettings({ env: this.#places.env });
      return resolveLogin(user, { settings, localHost });
    } catch (error) {
      await verifyPasswordAsync(password, undefined);
      throw error;
    }
  }

  async #serve(id: number, to: Admitted, held: HeldSocket, rest: string): Promise<void> {
    this.#status.set(id, { is: 'serving' });
    const serving = to.worker.serve(id, held, rest, to.maildir);
    to.release();
    const tally = await serving;
    this.#status.delete(id);
    this.#places.tell({ kind: 'ended', id, ...(tally && { tally }) });
  }
}
