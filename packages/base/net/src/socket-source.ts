// A socket that is read into one Buffer, which is that of all sockets of the process: what has come is copied out of
// it before the next one is read. Node's own way is a new Buffer of 64 kB for each read, which costs more than copying
// a few bytes, and which piles up as garbage when a large message passes (see rooms.ts).
//
// Node lets a socket be read so (`onread`) when it makes the socket; the server of node:net does not ask. An accepted
// socket therefore gives its handle to a new one, before anything has been read.

import { fstatSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { Arrivals, type Source } from './arrivals.ts';
import { AHEAD_MAX, READ_SIZE, ROOMS_AHEAD_MAX } from './limits.ts';
import { giveBackRoom, takeRoom } from './rooms.ts';

/** A source, and the socket to write to, to unref and to ask for addresses. Nobody else may read from it. */
export interface SocketSource extends Source {
  readonly socket: Socket;
}

/**
 * Takes an accepted socket over, in the turn in which the server gave it: `socket` itself is of no use afterwards.
 * One that has been read from, or is encrypted, is the caller's to read as a stream: undefined.
 */
export function adoptSocket(socket: Socket): SocketSource | undefined {
  const owner = socket as unknown as { _handle: Handle | null };
  const handle = owner._handle;
  const fresh = socket.bytesRead === 0 && !socket.destroyed && !socket.readableFlowing;
  if (!fresh || socket.constructor !== Socket || typeof handle?.useUserBuffer !== 'function')
    return undefined;
  const { allowHalfOpen } = socket;
  handle.readStop();
  handle.reading = false;
  owner._handle = null;
  socket.destroy();
  return new SharedBufferSource({ handle, allowHalfOpen } as SocketConstructorOpts, true);
}

/** A source over the descriptor of a pipe or a socket. */
export function socketOf(fd: number): SocketSource {
  // Said to be writable only so that the end of input does not close the descriptor.
  return new SharedBufferSource({ fd, allowHalfOpen: true }, fstatSync(fd).isSocket());
}

/** What Node calls a handle: node:net's own, of a TCP or unix socket. */
interface Handle {
  reading: boolean;
  readStop(): number;
  useUserBuffer?(buffer: Uint8Array): void;
}

let shared: Buffer | undefined;

class SharedBufferSource extends Arrivals implements SocketSource {
  readonly socket: Socket;
  /** Not the end of a pipe, which Node calls a Socket too. */
  readonly #twoWay: boolean;
  #paused = false;
  /** Who takes what arrives gives it back: it goes into rooms. */
  #lending = false;
  /** The rooms of chunks that wait. */
  readonly #rooms = new Map<Buffer, Buffer>();
  /** The room of the chunk that was lent last. */
  #lent: Buffer | undefined;

  constructor(options: SocketConstructorOpts, twoWay: boolean) {
    super();
    this.#twoWay = twoWay;
    shared ??= Buffer.allocUnsafeSlow(READ_SIZE);
    const onread = { buffer: shared, callback: this.#onRead };
    // net.connect's documents say onread; Socket's types do not.
    const all = { ...options, readable: true, writable: true, onread };
    this.socket = new Socket(all as SocketConstructorOpts);
    const over = () => this.over();
    for (const event of ['end', 'close', 'error']) this.socket.on(event, over);
  }

  readonly #onRead = (count: number, buffer: Uint8Array): boolean => {
    const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, count);
    this.arrived(this.#lending ? this.#inRoom(bytes) : Buffer.from(bytes));
    this.#paused = this.waiting >= AHEAD_MAX || this.#rooms.size >= ROOMS_AHEAD_MAX;
    return !this.#paused;
  };

  #inRoom(bytes: Buffer): Buffer {
    const room = takeRoom();
    bytes.copy(room);
    const chunk = room.subarray(0, bytes.length);
    this.#rooms.set(chunk, room);
    return chunk;
  }

  override take(): Buffer | undefined {
    this.#lending = false;
    const chunk = this.#next();
    if (this.#lent === undefined || chunk === undefined) return chunk;
    const kept = Buffer.from(chunk);
    this.#giveBack();
    return kept;
  }

  override lend(): Buffer | undefined {
    this.#lending = true;
    return this.#next();
  }

  /** The next chunk; #lent is its room, if it stands in one. */
  #next(): Buffer | undefined {
    this.#giveBack();
    const chunk = super.take();
    if (chunk !== undefined) {
      this.#lent = this.#rooms.get(chunk);
      this.#rooms.delete(chunk);
    }
    if (this.#paused && this.waiting === 0) this.fetch();
    return chunk;
  }

  #giveBack(): void {
    if (this.#lent !== undefined) giveBackRoom(this.#lent);
    this.#lent = undefined;
  }

  protected fetch(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.socket.resume();
  }

  release(): void {
    this.socket.pause();
    this.socket.unref();
  }

  override detach(): Socket | undefined {
    if (!this.#twoWay) return undefined;
    this.socket.pause();
    return this.socket;
  }

  // What is lent stays the borrower's: it may be on its way to the disk while somebody else closes.
  close(): void {
    this.socket.destroy();
  }
}
