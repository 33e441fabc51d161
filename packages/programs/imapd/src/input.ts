// What a client sends, as events of a command reader; and the one place where a session waits.

import type { CommandReader, ReaderEvent } from '@q/imap';
import type { Conn } from '@q/session';

/** Why a wait ended. 'called': somebody has something to tell. */
export type Woken = 'input' | 'called' | 'end';

export class CommandInput {
  readonly #conn: Conn;
  readonly #reader: CommandReader;
  /** Bytes of commands received. */
  received = 0;
  #reading = false;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #arrived = false;
  #called = false;
  #wake: (() => void) | undefined;

  constructor(conn: Conn, reader: CommandReader) {
    this.#conn = conn;
    this.#reader = reader;
  }

  /** The next event, or undefined when more input or a decision is needed. */
  event(): ReaderEvent | undefined {
    return this.#reader.next();
  }

  /** Ends wait() as soon as it waits between two commands. */
  call(): void {
    this.#called = true;
    this.#wake?.();
  }

  /**
   * Sends what was written, and waits for input or, with `between` (no command is half read), a call. A read that a call
   * has overtaken goes on. Throws what the connection throws.
   */
  async wait(between: boolean): Promise<Woken> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#arrived) {
        this.#arrived = false;
        return 'input';
      }
      if (between && this.#called) {
        this.#called = false;
        return 'called';
      }
      if (this.#ended) return 'end';
      if (!this.#reading) this.#read(between);
      else {
        // The read that is under way sent what was there when it began.
        await this.#conn.flush();
        if (this.#isOver(between)) continue;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /** There is no reason to wait. */
  #isOver(between: boolean): boolean {
    const called = between && this.#called;
    return this.#arrived || this.#ended || called || this.#failure !== undefined;
  }

  /**
   * The bytes of a message, `left` of which are still to come: lent where nothing else can be among them. False at the end
   * of input.
   */
  async fill(left: number): Promise<boolean> {
    if (this.#reading || this.#arrived || this.#ended) return (await this.wait(false)) === 'input';
    const chunk = await this.#conn.borrow();
    if (chunk === undefined) {
      this.#ended = true;
      return false;
    }
    this.received += chunk.length;
    this.#reader.push(chunk.length <= left ? chunk : Buffer.from(chunk));
    return true;
  }

  #read(between: boolean): void {
    this.#reading = true;
    this.#conn.read(between).then(
      (chunk) => {
        this.#reading = false;
        if (chunk === undefined) this.#ended = true;
        else {
          this.received += chunk.length;
          this.#reader.push(chunk);
          this.#arrived = true;
        }
        this.#wake?.();
      },
      (error: unknown) => {
        this.#reading = false;
        this.#failure = { error };
        this.#wake?.();
      },
    );
  }
}
