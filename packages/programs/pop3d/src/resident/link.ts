// The login process's side of its channel to the parent.

import { type HeldSocket, passSocket } from '@q/session';
import type { KeySet } from '@q/tls';
import type { Tally } from '../session.ts';
import { VERDICT_TIMEOUT } from './limits.ts';
import type { FromLogin, ToLogin, Verdict } from './messages.ts';

/** What the parent is asked; one Link for a login process. */
export class Link {
  readonly #verdicts = new Map<number, (verdict: Verdict) => void>();
  readonly #sessions = new Map<number, (tally: Tally | undefined) => void>();
  #last = 0;

  /** `onKeys`: told when the host's certificates have changed. */
  constructor(onKeys: (keys: KeySet) => void) {
    process.on('message', (message: ToLogin) => {
      if (message.kind === 'verdict') this.#verdicts.get(message.id)?.(message.verdict);
      else if (message.kind === 'ended') this.#sessions.get(message.id)?.(message.tally);
      else onKeys(message.keys);
    });
  }

  /** Asks for a verdict on a login; 'temporary' when none comes in time. `id` names the login from then on. */
  async login(
    login: Omit<FromLogin & { kind: 'login' }, 'kind' | 'id'>,
  ): Promise<{ readonly id: number; readonly verdict: Verdict }> {
    const id = ++this.#last;
    const verdict = await new Promise<Verdict>((resolve) => {
      const timer = setTimeout(() => resolve('temporary'), VERDICT_TIMEOUT);
      this.#verdicts.set(id, (verdict) => {
        clearTimeout(timer);
        resolve(verdict);
      });
      this.#tell({ kind: 'login', id, ...login });
    });
    this.#verdicts.delete(id);
    if (verdict === 'temporary') this.drop(id);
    return { id, verdict };
  }

  /** Gives the client away; resolves when its session is over, without a tally when nobody knows how. */
  async take(id: number, held: HeldSocket, rest: Buffer): Promise<Tally | undefined> {
    const over = new Promise<Tally | undefined>((resolve) => this.#sessions.set(id, resolve));
    const message: FromLogin = { kind: 'take', id, rest: rest.toString('latin1') };
    try {
      await passSocket(process, message, held);
      return await over;
    } finally {
      this.#sessions.delete(id);
    }
  }

  /** The login will not be followed up. */
  drop(id: number): void {
    this.#tell({ kind: 'drop', id });
  }

  /** The service is stopping, or the parent is gone: sessions go on elsewhere, and nobody waits for them here. */
  letGo(): void {
    for (const resolve of this.#verdicts.values()) resolve('temporary');
    for (const resolve of this.#sessions.values()) resolve(undefined);
  }

  #tell(message: FromLogin): void {
    // A parent that is gone is met as 'disconnect'.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  }
}
