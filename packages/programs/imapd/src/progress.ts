// How far a long command has come: other sessions get their turns, and a client that waits is told (RFC 9585).

import { wireString } from '@q/imap';
import { PROGRESS_FIRST_MS, PROGRESS_NEXT_MS } from './limits.ts';
import type { Session } from './session.ts';

/** How often work on single messages stops to look at the clock. */
export const MESSAGES_A_LOOK = 64;

/**
 * The work of one command: `steps` passes over the mailbox, each taken for as long as the others. What the client sees is a
 * number of messages out of all, which never falls. Without `tag` there is no command, and nothing is told.
 */
export class Progress {
  readonly #session: Pick<Session, 'untagged' | 'drain'>;
  readonly #tag: string | undefined;
  readonly #messages: number;
  readonly #steps: number;
  readonly #now: () => number;
  #step = 0;
  #told = 0;
  #next: number;

  constructor(
    session: Pick<Session, 'untagged' | 'drain'>,
    tag: string | undefined,
    messages: number,
    steps: number,
    now: () => number = () => performance.now(),
  ) {
    this.#session = session;
    this.#tag = tag;
    this.#messages = messages;
    this.#steps = Math.max(steps, 1);
    this.#now = now;
    this.#next = now() + PROGRESS_FIRST_MS;
  }

  /** A step is done, however little of it there was to do. */
  stepDone(): void {
    this.#step = Math.min(this.#step + 1, this.#steps);
  }

  /** Of this step `done` out of `of` are done. Lets others have a turn. Throws Disconnected and Timeout. */
  async at(done: number, of: number): Promise<void> {
    this.tell(done, of);
    await this.#session.drain();
  }

  /** The same for who cannot wait; who writes next finds out if the client is gone. */
  tell(done: number, of: number): void {
    const now = this.#now();
    if (this.#tag === undefined || now < this.#next) return;
    this.#next = now + PROGRESS_NEXT_MS;
    const share = (this.#step + (of === 0 ? 1 : done / of)) / this.#steps;
    this.#told = Math.max(this.#told, Math.min(Math.floor(share * this.#messages), this.#messages));
    const tag = wireString(this.#tag, { utf8: false });
    this.#session.untagged(`OK [INPROGRESS (${tag} ${this.#told} ${this.#messages})] Still at it`);
    this.#session.drain().catch(() => {});
  }
}
