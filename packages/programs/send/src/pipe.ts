// The ends of qmail-send's pipes, which its parent opened: pipes, or socket pairs where another program started
// it. Each end is used in one direction only.

import { Socket } from 'node:net';

/**
 * The reading end at `fd`. `onEnd` is called once: end of file or any error, which mean the same here; not
 * after our own destroy().
 */
export function openInput(fd: number, onData: (chunk: Buffer) => void, onEnd: () => void): Socket {
  const socket = new Socket({ fd, readable: true, writable: false });
  let ended = false;
  const end = () => {
    if (!ended) onEnd();
    ended = true;
  };
  socket.on('data', onData);
  socket.on('end', end);
  socket.on('error', end);
  return socket;
}

/** The writing end at `fd`. A reader that is gone is noticed on the input side; errors here only say so too. */
export function openOutput(fd: number, onGone: () => void): Socket {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on('error', onGone);
  return socket;
}

/** What is written to one end in one turn of the event loop, in one write; what comes during a write, in the next. */
export class Batch {
  readonly #output: Socket;
  readonly #onDrained: () => void;
  #pieces: Buffer[] = [];
  #scheduled = false;
  #waiting: NodeJS.Timeout | undefined;
  #writing = false;
  #held = 0;

  /** `onDrained` is called when all of it has left our buffer. */
  constructor(output: Socket, onDrained: () => void = () => {}) {
    this.#output = output;
    this.#onDrained = onDrained;
  }

  /** Bytes that the other side has not taken yet. */
  get held(): number {
    return this.#held;
  }

  add(bytes: Buffer): void {
    this.#hold(bytes);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** The same for what is in no hurry: it goes with what is added next, or after so many milliseconds. */
  addPatiently(bytes: Buffer, milliseconds: number): void {
    this.#hold(bytes);
    if (!this.#scheduled) this.#waiting ??= setTimeout(() => this.flush(), milliseconds);
  }

  /** Does not wait for the turn's end. */
  flush(): void {
    if (!this.#writing && this.#pieces.length > 0) this.#write();
  }

  #hold(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#held += bytes.length;
  }

  #write(): void {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.#writing = true;
    this.#output.write(bytes, () => {
      this.#writing = false;
      this.#held -= bytes.length;
      if (this.#pieces.length > 0) this.#write();
      else {
        this.#scheduled = false;
        this.#onDrained();
      }
    });
  }
}
