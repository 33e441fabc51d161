// qmail-send's side of its conversation with one spawner, qmail-lspawn or qmail-rspawn: the limit byte,
// then commands out and reports in, in any order.

import type { Socket } from 'node:net';
import { encodeDelivery, type Report, ReportDecoder } from '@q/spawn';
import { COMMANDS_HELD } from './limits.ts';
import { Batch, openInput, openOutput } from './pipe.ts';

export interface SpawnLinkEvents {
  report(report: Report): void;
  /** What was held has left our buffer: more may be sent. */
  drained(): void;
  /** The spawner is gone. Called once, not after close(). */
  death(): void;
}

export interface SpawnCommand {
  readonly slot: number;
  readonly message: string;
  readonly sender: string;
  readonly recipient: string;
}

export class SpawnLink {
  readonly #input: Socket;
  readonly #output: Socket;
  readonly #reports = new ReportDecoder();
  #events: SpawnLinkEvents | undefined;
  #limit: ((limit: number | undefined) => void) | undefined;
  readonly #commands: Batch;
  #alive = true;
  /** The spawner's first byte: the number of slots it has; undefined when it ended without one. */
  readonly limit: Promise<number | undefined>;

  constructor(fds: { readonly to: number; readonly from: number }) {
    this.limit = new Promise((resolve) => {
      this.#limit = resolve;
    });
    const dead = () => this.#die();
    this.#input = openInput(fds.from, (chunk) => this.#read(chunk), dead);
    this.#output = openOutput(fds.to, dead);
    this.#commands = new Batch(this.#output, () => this.#events?.drained());
  }

  /** To be called once the limit is known; a spawner writes no report before its first command. */
  listen(events: SpawnLinkEvents): void {
    this.#events = events;
    if (!this.#alive) events.death();
  }

  /** True when a command can be sent: few are held here, so that no memory grows on a slow spawner. */
  get ready(): boolean {
    return this.#alive && this.#commands.held < COMMANDS_HELD;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Only when ready. Throws RangeError for what cannot be a command. */
  send(command: SpawnCommand): void {
    this.#commands.add(encodeDelivery(command));
  }

  close(): void {
    this.#alive = false;
    this.#input.destroy();
    this.#output.destroy();
    this.#answerLimit(undefined);
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    if (this.#limit !== undefined) {
      this.#answerLimit(rest[0]);
      rest = rest.subarray(1);
    }
    this.#reports.push(rest, (report) => this.#events?.report(report));
  }

  #answerLimit(limit: number | undefined): void {
    this.#limit?.(limit);
    this.#limit = undefined;
  }

  #die(): void {
    if (!this.#alive) return;
    this.close();
    this.#events?.death();
  }
}
