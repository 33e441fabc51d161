// The login process's side of its channel to the parent.

import { textOf } from '@q/bytes';
import { type HeldSocket, passSocket } from '@q/session';
import { tellParent } from '../child.ts';
import { VERDICT_TIMEOUT } from './limits.ts';
import type { Counts } from './mail-service.ts';
import type { Env, Evidence, FromLogin, ToLogin, Verdict } from './messages.ts';

/** The parent's word on a login. */
export interface Judged {
  readonly verdict: Verdict;
  /** The server's own, for a client that proved its password by SCRAM. */
  readonly proof?: string;
}

/** What goes with a client's socket. */
interface Taken {
  /** Read from it beyond the login. */
  readonly rest: Buffer;
  readonly tag: string | undefined;
  readonly secure: boolean;
}

/** What the parent is asked; one Link for a login process. */
export class Link {
  readonly #verdicts = new Map<number, (judged: Judged) => void>();
  readonly #sessions = new Map<number, (counts: Counts | undefined) => void>();
  #last = 0;

  /** `onKeys`: told when the host's certificates have changed, or those it trusts. */
  constructor(onKeys: (news: ToLogin & { kind: 'keys' }) => void) {
    process.on('message', (message: ToLogin) => {
      if (message.kind === 'verdict') this.#verdicts.get(message.id)?.(message);
      else if (message.kind === 'ended') this.#sessions.get(message.id)?.(message.counts);
      else onKeys(message);
    });
  }

  /** Asks for a verdict on a login; 'temporary' when none comes in time. `id` names the login from then on. */
  async login(
    login: { readonly user: string; readonly client: Env } & Evidence,
  ): Promise<Judged & { readonly id: number }> {
    const id = ++this.#last;
    const { verdict, proof } = await new Promise<Judged>((resolve) => {
      const timer = setTimeout(() => resolve({ verdict: 'temporary' }), VERDICT_TIMEOUT);
      this.#verdicts.set(id, (judged) => {
        clearTimeout(timer);
        resolve(judged);
      });
      tellFromLogin({ kind: 'login', id, ...login });
    });
    this.#verdicts.delete(id);
    if (verdict === 'temporary') this.drop(id);
    return { id, verdict, ...(proof !== undefined && { proof }) };
  }

  /** Gives the client away; resolves when its session is over, without counts when nobody knows how. */
  async take(
    id: number,
    held: HeldSocket,
    { rest, tag, secure }: Taken,
  ): Promise<Counts | undefined> {
    const over = new Promise<Counts | undefined>((resolve) => this.#sessions.set(id, resolve));
    const message: FromLogin = {
      kind: 'take',
      id,
      rest: textOf(rest),
      secure,
      ...(tag && { tag }),
    };
    try {
      await passSocket(process, message, held);
      const counts = await over;
      // Perhaps the parent never saw the socket; then it waits for it no more.
      if (counts === undefined) this.drop(id);
      return counts;
    } finally {
      this.#sessions.delete(id);
    }
  }

  /** The login will not be followed up. */
  drop(id: number): void {
    tellFromLogin({ kind: 'drop', id });
  }

  /** The service is stopping, or the parent is gone: sessions go on elsewhere, and nobody waits for them here. */
  letGo(): void {
    for (const resolve of this.#verdicts.values()) resolve({ verdict: 'temporary' });
    for (const resolve of this.#sessions.values()) resolve(undefined);
  }
}

function tellFromLogin(message: FromLogin): void {
  tellParent(message);
}
