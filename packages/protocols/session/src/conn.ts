// One connection as a session sees it: lines or raw bytes in, text or bytes out, and two clocks.
//
// Replies are held back until the session is about to wait for input, and then leave in one write:
// a client that pipelines gets its answers in one packet, and nobody has to remember to flush.

import type { Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { Permanent } from '@q/fault';
import { adoptSocket, type Source } from '@q/net';
import { Clocks, type Register } from './clocks.ts';
import { Disconnected, LineTooLong } from './errors.ts';
import { type HeldSocket, holdSocket } from './handover.ts';
import { Held } from './held.ts';
import { HANDSHAKE_SECONDS, IDLE_TIMEOUT, LINGER_BYTES } from './limits.ts';
import { Outbox } from './outbox.ts';
import { streamSource } from './source.ts';

const CR = 13;

export interface ConnOptions {
  /** Seconds without progress before Timeout. */
  readonly idleTimeout?: number;
  /** When the session must be over, in milliseconds of Date.now. */
  readonly deadline?: number;
  /** True when what is read and written here is encrypted on the wire. */
  readonly secure?: boolean;
  /** Seconds to read on after our last word, so that no reset takes it away. */
  readonly linger?: number;
  /** What close() does with the output: 'end' closes it, 'leave' only empties our buffer. */
  readonly output?: 'end' | 'leave';
}

/** A connection over a pair of streams, which may be one and the same socket. */
export function connOf(input: Readable, output: Writable, options: ConnOptions = {}): Conn {
  return new Conn(streamSource(input), output, options);
}

/**
 * A connection over a socket that has just been accepted, and that is taken over: only the connection knows how
 * to write to it, to end it and to hand it over.
 */
export function connOfAccepted(socket: Socket, options: ConnOptions = {}): Conn {
  const source = adoptSocket(socket);
  if (source === undefined) return connOf(socket, socket, options);
  return new Conn(source, source.socket, options);
}

/** Makes an encrypted stream of one that is not, as the server. Rejects when the peer cannot do it. */
export type Secure = (stream: Duplex) => Promise<Secured>;

interface Secured extends Duplex {
  /** DER, the peer's own first, found good; empty or left out: it has shown none, or was not asked. */
  readonly certificates?: readonly Buffer[];
}

export class Conn {
  #secure: boolean;
  #certificates: readonly Buffer[] = [];
  #source: Source;
  #output: Writable;
  readonly #linger: number;
  #atClose: 'end' | 'leave';
  readonly #clocks: Clocks;
  #outbox: Outbox;
  readonly #held = new Held();
  readonly #whenReady: Register;
  #closed: Promise<void> | undefined;

  constructor(source: Source, output: Writable, options: ConnOptions) {
    this.#source = source;
    this.#output = output;
    this.#secure = options.secure ?? false;
    this.#linger = options.linger ?? 0;
    this.#atClose = options.output ?? 'end';
    this.#clocks = new Clocks(options.idleTimeout ?? IDLE_TIMEOUT, options.deadline);
    this.#outbox = new Outbox(output, this.#clocks);
    // Who cannot be answered need not be listened to: its input may stay open for ever.
    this.#whenReady = (wake) => {
      this.#source.onReady(wake);
      this.#outbox.onGone(wake);
    };
  }

  /** True when what is read and written here is encrypted on the wire. */
  get secure(): boolean {
    return this.#secure;
  }

  /** What the peer has shown when it was encrypted, DER, its own first, found good; empty: nothing. */
  get certificates(): readonly Buffer[] {
    return this.#certificates;
  }

  /** Seconds without a byte read (or taken by the peer) before Timeout. Infinity: no limit. */
  get idleTimeout(): number {
    return this.#clocks.idleTimeout;
  }

  set idleTimeout(seconds: number) {
    this.#clocks.idleTimeout = seconds;
  }

  /** When the session must be over, in milliseconds of Date.now; undefined: whenever it likes. */
  get deadline(): number | undefined {
    return this.#clocks.deadline;
  }

  set deadline(time: number | undefined) {
    this.#clocks.deadline = time;
  }

  /**
   * The next line without its LF and without one CR before it; undefined at the end of input (what
   * stands after the last LF is not a line: read() gives it). `limit` counts bytes without the line
   * end. Throws LineTooLong and takes nothing then; throws Timeout, and Disconnected when the peer
   * does not take our replies.
   */
  async readLine(limit: number): Promise<Buffer | undefined> {
    for (;;) {
      const line = this.tryLine(limit);
      if (line !== undefined) return line;
      if (!(await this.#inputReady('line'))) return undefined;
    }
  }

  /** As readLine, but only if a whole line is already here. */
  tryLine(limit: number): Buffer | undefined {
    for (;;) {
      const line = this.#cutLine(limit);
      if (line !== undefined) return line;
      if (!this.#pull()) return undefined;
    }
  }

  /** Passes over everything up to and including the next LF; false if the input ends before. */
  async skipLine(): Promise<boolean> {
    for (;;) {
      const end = this.#held.lineEnd();
      this.#held.drop(end < 0 ? this.#held.length : end + 1);
      if (end >= 0) return true;
      if (!this.#pull() && !(await this.#inputReady('bytes'))) return false;
    }
  }

  /**
   * What has arrived, at least one byte, waiting if need be; undefined at the end of input. `between`:
   * nothing is half done, so that a stop ends the wait at once, as it does for readLine.
   */
  async read(between = false): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#held.length > 0) return this.#held.take(this.#held.length);
      const chunk = this.#source.take();
      if (chunk !== undefined) return chunk;
      if (!(await this.#inputReady(between ? 'line' : 'bytes'))) return undefined;
    }
  }

  /**
   * As read(), but lent: the bytes may be changed, and are gone when more is asked for. For large messages, which
   * leave no garbage this way.
   */
  async borrow(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#held.length > 0) return this.#held.take(this.#held.length);
      const chunk = this.#source.lend();
      if (chunk !== undefined) return chunk;
      if (!(await this.#inputReady('bytes'))) return undefined;
    }
  }

  /** Puts back what a reader took and did not use. */
  unread(bytes: Buffer): void {
    if (bytes.length > 0) this.#held.unread(Buffer.from(bytes)); // they may be lent
  }

  /** Throws away all that has arrived, and says how many bytes that was. */
  discardInput(): number {
    let count = 0;
    do {
      count += this.#held.length;
      this.#held.drop(this.#held.length);
    } while (this.#pull());
    return count;
  }

  /** Adds to the batch that leaves at the next flush. A string is latin1; bytes must stay unchanged until then. */
  write(data: Buffer | string): void {
    this.#outbox.add(data);
  }

  /** Bytes written since the last flush. Whoever answers pipelined commands at length looks at it and flushes. */
  get queued(): number {
    return this.#outbox.queued;
  }

  /**
   * Sends the batch, and waits while the peer is slow in taking it. Whoever writes much flushes now
   * and then. Throws Timeout or Disconnected.
   */
  flush(): Promise<void> {
    return this.#outbox.flush();
  }

  /** Sends what is left and ends the connection. Never throws; a second call waits for the first. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * For the host: the server is stopping. A session that waits for a line with nothing half done gets
   * Timeout at once, any other has `graceSeconds` left.
   */
  stop(graceSeconds: number): void {
    this.#clocks.stop(graceSeconds);
  }

  /** For the host: ends the connection now, with whatever is under way. */
  destroy(): void {
    this.#source.close();
    this.#output.destroy();
    this.#outbox.fail();
    this.#clocks.end();
  }

  /** For a program that hands the descriptors on: stops reading, without closing anything. */
  release(): void {
    this.#source.release();
    this.#clocks.end();
  }

  /**
   * For a server that passes the connection to another process: waits until all replies are out, stops
   * reading, and gives the socket and what had arrived. This Conn is over then; close() does nothing.
   * Throws Timeout or Disconnected; the connection is still ours then.
   */
  async handOver(): Promise<{ readonly held: HeldSocket; readonly rest: Buffer }> {
    await this.#outbox.empty();
    // From here to the end nothing may wait: what arrives between must not be read by us.
    const held = holdSocket(this.#output);
    while (this.#pull());
    const rest = Buffer.from(this.#held.take(this.#held.length));
    this.release();
    this.#closed = Promise.resolve();
    return { held, rest };
  }

  /**
   * Goes on encrypted: what has arrived is thrown away (nobody can know who put it there), what was written
   * goes out in clear, and `secure` does the rest, in a bounded time. Throws Permanent where the connection is
   * no socket, Timeout or Disconnected when nothing comes of it; the connection is over then.
   */
  async upgrade(secure: Secure): Promise<void> {
    // In this order: what comes after our answer has left is the handshake, and must not be lost.
    this.discardInput();
    const stream = this.#source.detach();
    if (stream === undefined) throw new Permanent('only a socket can be encrypted');
    await this.#outbox.empty();
    const before = this.#clocks.deadline;
    this.deadline = Math.min(
      before ?? Number.POSITIVE_INFINITY,
      Date.now() + HANDSHAKE_SECONDS * 1000,
    );
    let failure: unknown;
    let secured: Secured | undefined;
    const shaken = secure(stream).then(
      (it) => {
        secured = it;
      },
      (error: unknown) => {
        failure = error;
      },
    );
    try {
      await this.#clocks.wait(false, (wake) => void (wake && shaken.then(wake)));
      if (secured === undefined) throw new Disconnected(failure);
    } catch (error) {
      stream.destroy();
      this.destroy();
      throw error;
    }
    this.deadline = before;
    this.#source = streamSource(secured);
    this.#output = secured;
    this.#outbox = new Outbox(secured, this.#clocks);
    this.#secure = true;
    this.#certificates = secured.certificates ?? [];
    // A descriptor that a child would go on with is of no use to one without the keys.
    this.#atClose = 'end';
  }

  /**
   * Goes on compressed both ways (RFC 4978): what was written goes out as it is, what has arrived and was not read is taken for
   * compressed. Throws Timeout or Disconnected.
   */
  async compress(): Promise<void> {
    // Loaded by those who want it.
    const { deflatedOutput, inflatedSource } = await import('./compressed.ts');
    await this.#outbox.empty();
    const rest = Buffer.from(this.#held.take(this.#held.length));
    this.#source = inflatedSource(this.#source, rest);
    this.#output = deflatedOutput(this.#output);
    this.#outbox = new Outbox(this.#output, this.#clocks);
    // The other end of our output is not the peer's alone: it would not know what a third party says there.
    this.#atClose = 'end';
  }

  // --- input ---

  #cutLine(limit: number): Buffer | undefined {
    const end = this.#held.lineEnd();
    if (end < 0) {
      if (this.#held.length > limit + 1) throw new LineTooLong();
      return undefined;
    }
    const length = end > 0 && this.#held.at(end - 1) === CR ? end - 1 : end;
    if (length > limit) throw new LineTooLong();
    return Buffer.from(this.#held.take(end + 1).subarray(0, length));
  }

  #pull(): boolean {
    const chunk = this.#source.take();
    if (chunk === undefined) return false;
    this.#held.push(chunk);
    return true;
  }

  /** Waits until something can be taken from the source, or is seen to fail; false at the end of input. */
  async #inputReady(wanted: 'line' | 'bytes'): Promise<boolean> {
    if (!this.#outbox.sent()) await this.flush();
    if (this.#source.ended) return false;
    const between = wanted === 'line' && this.#held.length === 0;
    await this.#clocks.wait(between, this.#whenReady);
    return true;
  }

  // --- the end ---

  async #close(): Promise<void> {
    try {
      await this.#outbox.empty();
      if (this.#atClose === 'leave') return;
      this.#output.end();
      await this.#readOn();
    } catch {
      // The peer is gone or does not listen: there is nobody to tell.
    } finally {
      if (this.#atClose === 'leave') {
        this.#source.release();
      } else {
        this.#source.close();
        this.#output.destroy();
      }
      this.#clocks.end();
    }
  }

  /** Reads until the peer has closed too, for a bounded time and a bounded number of bytes. */
  async #readOn(): Promise<void> {
    if (this.#linger <= 0) return;
    this.#clocks.restart(this.#linger);
    let left = LINGER_BYTES;
    while (left > 0) {
      left -= this.discardInput();
      if (this.#source.ended) return;
      await this.#clocks.wait(false, this.#whenReady);
    }
  }
}
