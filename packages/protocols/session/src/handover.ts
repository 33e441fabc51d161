// Passing a connection to another process over Node's IPC channel (unix(7), SCM_RIGHTS), if need be by
// way of a third process that never reads from it.
//
// child_process sends sockets and raw handles. A net.Socket starts reading the moment it arrives, which
// would swallow bytes in a process that only passes it on; a raw handle ("net.Native" in Node's own
// protocol) does not. `_handle` is what Node itself calls it; this file is the only one that knows.

import type { SendHandle } from 'node:child_process';
import { Socket } from 'node:net';
import { Disconnected } from './errors.ts';

/** A connection that nobody reads at the moment. */
export interface HeldSocket {
  readonly handle: RawHandle;
  /** Closes this process's copy; the connection lives on in whoever else has one. */
  close(): void;
}

/** Node's handle of a TCP or unix socket. */
interface RawHandle {
  readonly fd?: number;
  reading: boolean;
  readStop(): number;
  close(): void;
}

/** One end of an IPC channel: `process` in a child, the ChildProcess in its parent. */
export interface Channel {
  send?(
    message: object,
    handle: SendHandle | undefined,
    options: object | undefined,
    sent: (error: Error | null) => void,
  ): boolean;
}

/** Sends a message and a connection with it, and closes our copy. Rejects when the other end is gone. */
export function passSocket(to: Channel, message: object, held: HeldSocket): Promise<void> {
  return sendSocket(to, message, held).finally(() => held.close());
}

/**
 * The same, but our copy stays open: until the other end says that it has the connection, it may be given to another.
 * Never settles when the channel ends while the message waits for another one's connection to arrive.
 */
export function sendSocket(to: Channel, message: object, held: HeldSocket): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const done = (error: Error | null) => (error ? reject(error) : resolve());
    if (to.send === undefined) done(new Error('no channel'));
    else to.send(message, held.handle as unknown as SendHandle, undefined, done);
  });
}

/** What came with a message; undefined when nothing did, or not a socket. */
export function heldSocketOf(handle: unknown): HeldSocket | undefined {
  const raw = handle as Partial<RawHandle> | undefined;
  if (typeof raw?.readStop !== 'function' || typeof raw.close !== 'function') return undefined;
  return { handle: raw as RawHandle, close: () => raw.close?.() };
}

/** Its descriptor in this process, to ask the kernel about it. */
export function descriptorOf(held: HeldSocket): number {
  return held.handle.fd ?? -1;
}

/** The socket, in the process that is to serve it; it is read from now on. */
export function socketOfHeld(held: HeldSocket): Socket {
  held.handle.reading = false;
  return new Socket({
    handle: held.handle,
    readable: true,
    writable: true,
    allowHalfOpen: true,
  } as ConstructorParameters<typeof Socket>[0]);
}

/** A socket that nobody has read from yet; the descriptor is the handle's from now on. */
export function heldSocketOfFd(fd: number): HeldSocket {
  return holdSocket(new Socket({ fd, allowHalfOpen: true, manualStart: true } as SocketOptions));
}

type SocketOptions = ConstructorParameters<typeof Socket>[0];

/** Stops reading from a socket, which is of no use in this process afterwards. For Conn.handOver. */
export function holdSocket(stream: unknown): HeldSocket {
  const raw = stream instanceof Socket ? rawHandleOf(stream) : undefined;
  if (!(stream instanceof Socket) || raw === undefined) throw new Disconnected();
  raw.readStop();
  // The stream would start the handle again when its buffer is emptied, were it not already reading.
  raw.reading = true;
  return { handle: raw, close: () => void stream.destroy() };
}

function rawHandleOf(socket: Socket): RawHandle | undefined {
  return (socket as unknown as { _handle?: RawHandle | null })._handle ?? undefined;
}
