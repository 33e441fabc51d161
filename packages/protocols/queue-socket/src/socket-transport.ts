// Messages over the queue socket, on connections that are kept and used again.
//
// A kept connection may have been closed by the server just as we took it (idle timeout, restart). If
// the kernel says that the server had not read all of the request (see Lost), nothing was queued, and
// the message goes out again on another connection as long as all of it is still in memory. After a
// plain end without an answer it may have been queued: that is reported as exit 74, temporary.

import { encodeNetstring, netstringHeader } from '@q/bytes';
import { type Connection, connect } from './connection.ts';
import { QueueExit } from './exit-text.ts';
import { IDLE_CONNECTIONS } from './limits.ts';
import { END_OF_MESSAGE } from './wire.ts';
import { type QueueResult, resultOf, type Transport } from './writer.ts';

const NETSTRING_END = Buffer.from(',');

export class SocketPool {
  readonly #path: string;
  readonly #keep: number;
  #idle: Connection[] = [];

  constructor(path: string, keep = IDLE_CONNECTIONS) {
    this.#path = path;
    this.#keep = keep;
  }

  /** Makes sure that a connection can be had now. Throws Temporary (exit code 56, 72) if not. */
  async reach(): Promise<void> {
    if (this.#idle.length === 0) this.#rest(await connect(this.#path), 1);
  }

  /** A transport on an idle connection or a new one. Throws like `reach`. */
  async take(): Promise<Transport> {
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (kept.begin()) return new SocketTransport(kept, (done) => this.#rest(done, this.#keep));
    }
    const fresh = await connect(this.#path);
    return new SocketTransport(fresh, (done) => this.#rest(done, this.#keep));
  }

  close(): void {
    for (const connection of this.#idle) connection.destroy();
    this.#idle = [];
  }

  #rest(connection: Connection, keep: number): void {
    if (this.#idle.length >= keep) {
      connection.destroy();
      return;
    }
    connection.onIdleEnd = () => {
      this.#idle = this.#idle.filter((other) => other !== connection);
    };
    this.#idle.push(connection);
    connection.rest();
  }
}

class SocketTransport implements Transport {
  readonly #connection: Connection;
  readonly #giveBack: (connection: Connection) => void;
  #sentSome = false;

  constructor(connection: Connection, giveBack: (connection: Connection) => void) {
    this.#connection = connection;
    this.#giveBack = giveBack;
  }

  get failed(): boolean {
    return this.#connection.settled;
  }

  async message(bytes: Buffer): Promise<void> {
    this.#sentSome = true;
    if (bytes.length === 0) return;
    await this.#connection.send([netstringHeader(bytes.length), bytes, NETSTRING_END]);
  }

  async finish(rest: Buffer, envelope: Buffer): Promise<QueueResult | 'again'> {
    const connection = this.#connection;
    const early = connection.settled;
    const last = rest.length > 0 ? [encodeNetstring(rest)] : [];
    last.push(END_OF_MESSAGE, encodeNetstring(envelope));
    if (!early) connection.post(Buffer.concat(last));
    const answer = await connection.answer();
    if ('lost' in answer) {
      connection.destroy();
      const unsent = early && !this.#sentSome;
      const safe = unsent || answer.lost === 'nothing-queued';
      return safe && connection.uses > 0 ? 'again' : resultOf(QueueExit.CONNECTION_BROKE);
    }
    // Answered before all was sent: the server would have to read and throw away the rest.
    if (early) connection.destroy();
    else this.#giveBack(connection);
    const result = resultOf(answer.code);
    return 'qp' in answer ? { ...result, qp: answer.qp } : result;
  }

  abort(): void {
    this.#connection.destroy();
  }
}
