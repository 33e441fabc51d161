// qmail-send's side of its conversation with qmail-clean (qmail-clean(8)): "todo/N NUL" or "foop/N NUL"
// out, one byte back for each, in order. Requests may follow each other without waiting.

import type { Socket } from 'node:net';
import { CLEAN_PATIENCE } from './limits.ts';
import { Batch, openInput, openOutput } from './pipe.ts';

export type CleanVerb = 'todo' | 'foop';

const OK = 0x2b; // "+"

export class CleanLink {
  readonly #input: Socket;
  readonly #output: Socket;
  readonly #requests: Batch;
  readonly #waiting: ((ok: boolean | undefined) => void)[] = [];
  readonly #onDeath: () => void;
  #alive = true;

  /** `onDeath` is called once, when qmail-clean is gone before close(). */
  constructor(fds: { readonly to: number; readonly from: number }, onDeath: () => void) {
    this.#onDeath = onDeath;
    const dead = () => this.#die();
    this.#input = openInput(fds.from, (chunk) => this.#answers(chunk), dead);
    this.#output = openOutput(fds.to, dead);
    this.#requests = new Batch(this.#output);
  }

  /** True when qmail-clean did it, false when it could not, undefined when it is gone: then nobody knows. */
  request(verb: CleanVerb, id: string): Promise<boolean | undefined> {
    return this.#ask((bytes) => this.#requests.add(bytes), verb, id);
  }

  /** The same for what nobody waits for: at a moderate rate it goes with the next request, and saves two processes a turn. */
  requestInTime(verb: CleanVerb, id: string): Promise<boolean | undefined> {
    return this.#ask((bytes) => this.#requests.addPatiently(bytes, CLEAN_PATIENCE), verb, id);
  }

  #ask(send: (bytes: Buffer) => void, verb: CleanVerb, id: string): Promise<boolean | undefined> {
    if (!this.#alive) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      send(Buffer.from(`${verb}/${id}\0`, 'latin1'));
    });
  }

  close(): void {
    this.#alive = false;
    this.#requests.flush(); // what nobody waits for is asked for nevertheless
    this.#input.destroy();
    this.#output.destroy();
  }

  #answers(chunk: Buffer): void {
    for (const byte of chunk) this.#waiting.shift()?.(byte === OK);
  }

  #die(): void {
    if (!this.#alive) return;
    this.close();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    this.#onDeath();
  }
}
