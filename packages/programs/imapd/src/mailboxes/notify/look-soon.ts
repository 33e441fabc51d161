// Changes that are heard of are looked at when the session has time for it, all of them at once.

import type { Session } from '../../session.ts';

export class LookSoon {
  readonly #session: Session;
  readonly #look: () => Promise<void>;
  /** A look is to come. */
  #heard = false;
  #closed = false;

  constructor(session: Session, look: () => Promise<void>) {
    this.#session = session;
    this.#look = look;
  }

  /** Something has changed. */
  hear(): void {
    if (this.#heard || this.#closed) return;
    this.#heard = true;
    this.#session.soon(async () => {
      this.#heard = false;
      if (!this.#closed) await this.#look();
    });
  }

  /** No look any more, not even one that is to come. */
  close(): void {
    this.#closed = true;
  }

  get isClosed(): boolean {
    return this.#closed;
  }
}
