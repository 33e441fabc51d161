// The one-shot host: one session on descriptors 0 and 1, under tcpserver, inetd, a systemd socket,
// a pipe or a terminal. process.stdin is never touched: it reads ahead of what is asked for.

import { createWriteStream, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import { type SocketSource, type Source, socketOf } from '@q/net';
import { Conn } from './conn.ts';
import { Disconnected, Timeout } from './errors.ts';
import { LINGER_SECONDS } from './limits.ts';
import { hostEnv, type Peer, peerFromEnv, socketEnv } from './peer.ts';
import { fileSource, singleByteSource, streamSource } from './source.ts';

/**
 * What a protocol is: it talks until it is done, and may resolve to the one-shot program's exit code
 * (nothing is 0). It leaves closing to its host.
 */
export type Session = (conn: Conn, peer: Peer, place?: Place) => Promise<void> | Promise<number>;

/** A session's place among the others of its host, if there can be others. */
export interface Place {
  /** The client has logged in: it is no longer one of the strangers, whose number has a limit of its own. */
  known(): void;
}

export interface StdioOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False: take not one byte from fd 0 that was not asked for, because a child will inherit it. */
  readonly greedy?: boolean;
  /** The two descriptors, when they are not 0 and 1. */
  readonly input?: number;
  readonly output?: number;
}

/**
 * Runs one session on fds 0 and 1 and resolves to the exit code. The descriptors stay open: what
 * remains on them is the child's, or the kernel's at exit. A peer that went away or fell silent is
 * exit code 1; anything else that the session throws is thrown on.
 */
export async function serveStdio(session: Session, options: StdioOptions): Promise<number> {
  const greedy = options.greedy ?? true;
  const out = options.output ?? 1;
  const { source, socket } = openInput(options.input ?? 0, greedy);
  const conn = new Conn(source, openOutput(out), {
    output: greedy && fstatSync(out).isSocket() ? 'end' : 'leave',
    linger: LINGER_SECONDS,
  });
  try {
    return (await session(conn, stdioPeer(options.env, socket))) ?? 0;
  } catch (error) {
    if (error instanceof Timeout || error instanceof Disconnected) return 1;
    throw error;
  } finally {
    await conn.close();
  }
}

/** The environment wins; without tcp-env in front (plain inetd) the socket itself knows. */
function stdioPeer(env: StdioOptions['env'], socket: Socket | undefined): Peer {
  const known = env.TCPREMOTEIP !== undefined || env.REMOTE_ADDR !== undefined;
  if (known || socket?.remoteAddress === undefined) return peerFromEnv(env);
  return peerFromEnv(socketEnv(hostEnv(env), socket));
}

function openInput(fd: number, greedy: boolean): { source: Source; socket?: Socket } {
  switch (kindOf(fd)) {
    case 'stream': {
      if (!greedy) return withSocket(singleByteSource(fd));
      return withSocket(socketOf(fd));
    }
    case 'terminal': // gives one typed line a read: nothing is taken ahead
      return { source: streamSource(new ReadStream(fd) as Readable) };
    case 'file':
      return { source: fileSource(fd, greedy ? 65536 : 1) };
  }
}

function withSocket(source: SocketSource): { source: Source; socket: Socket } {
  return { source, socket: source.socket };
}

function openOutput(fd: number): Writable {
  switch (kindOf(fd)) {
    case 'stream': {
      const socket = new Socket({ fd, readable: false, writable: true, allowHalfOpen: true });
      socket.setNoDelay(true);
      socket.unref();
      return socket;
    }
    case 'terminal':
      return new WriteStream(fd) as Writable;
    case 'file':
      return createWriteStream('', { fd, autoClose: false });
  }
}

function kindOf(fd: number): 'stream' | 'terminal' | 'file' {
  const stat = fstatSync(fd);
  if (stat.isSocket() || stat.isFIFO()) return 'stream';
  return isatty(fd) ? 'terminal' : 'file';
}
