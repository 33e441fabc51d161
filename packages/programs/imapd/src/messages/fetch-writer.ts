// Answers on their way to the client: text is gathered, literals are streamed. What was announced is kept, or the connection
// ends: a client must never take other bytes for those.

import { textOf } from '@q/bytes';
import { Disconnected } from '@q/session';
import type { Session } from '../session.ts';
import { ANSWERS_A_TURN, GATHERED_MAX, SMALL_LITERAL } from './limits.ts';
import type { Literal } from './literal.ts';

export class FetchWriter {
  readonly #session: Session;
  #text = '';
  /** Length of #text where the answer under way begins; undefined: a part of it has gone out. */
  #answer: number | undefined = 0;
  #answers = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** An answer begins here: abandon() goes back to this place. */
  begin(): void {
    this.#answer = this.#text.length;
  }

  /** Latin1. */
  add(text: string): void {
    this.#text += text;
  }

  /** The answer under way cannot be given. Throws Disconnected when a part of it has gone out. */
  abandon(cause: unknown): void {
    if (this.#answer === undefined) throw new Disconnected(cause);
    this.#text = this.#text.slice(0, this.#answer);
  }

  /** True when it is time to wait for end(): after much text or many answers. */
  full(): boolean {
    this.#answers += 1;
    return this.#text.length >= GATHERED_MAX || this.#answers >= ANSWERS_A_TURN;
  }

  /** Gives what was gathered to the connection. Throws Timeout and Disconnected. */
  async flush(): Promise<void> {
    this.#put();
    this.#answers = 0;
    await this.#session.drain();
  }

  /** "{size}", or "~{size}" where NULs may be, and the bytes. Gives their number. Throws when they cannot be had: abandon() then. */
  async literal({ size, hasNul, pieces }: Literal): Promise<number> {
    this.#text += `${hasNul ? '~' : ''}{${size}}\r\n`;
    let sent = 0;
    for await (const piece of pieces()) {
      sent += piece.length;
      if (sent > size) break;
      if (size <= SMALL_LITERAL) this.#text += textOf(piece);
      else {
        this.#put();
        this.#session.write(piece);
        await this.#session.drain();
      }
    }
    if (sent !== size) throw new RangeError('a literal is not as long as announced');
    return size;
  }

  #put(): void {
    if (this.#text === '') return;
    this.#session.write(this.#text);
    this.#text = '';
    this.#answer = undefined;
  }
}
