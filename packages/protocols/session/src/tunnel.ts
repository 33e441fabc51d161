// An encrypted connection that another process is to serve: it gets one end of a socket pair, and we carry
// bytes between the other end and the client, because the keys of the connection cannot be given away.

import { Socket } from 'node:net';
import { socketpair } from '@q/posix';
import type { Conn } from './conn.ts';
import { Timeout } from './errors.ts';
import { TUNNEL_IDLE } from './limits.ts';

export interface Tunnel {
  /** The end for the other process, close-on-exec; ours to close once it has it. */
  readonly fd: number;
  /**
   * Resolves when the other process has closed its end and the client has all of it. Never rejects: a client
   * that goes away is the end of the tunnel, too. The Conn is still ours, to say more or to close.
   */
  readonly over: Promise<void>;
}

/** Carries what `conn` has read and will read to `fd`, and what is written there to `conn`. */
export function openTunnel(conn: Conn): Tunnel {
  const [ours, fd] = socketpair();
  const inner = new Socket({ fd: ours, allowHalfOpen: true });
  inner.on('error', () => {});
  // The clocks of login are over; whoever serves has its own.
  conn.deadline = undefined;
  conn.idleTimeout = TUNNEL_IDLE;
  const tunnel = { moved: 0 };
  void fromClient(conn, inner, tunnel);
  return { fd, over: toClient(conn, inner, tunnel) };
}

/** Ends when the client does, or when nobody is left who would read. */
async function fromClient(conn: Conn, inner: Socket, tunnel: { moved: number }): Promise<void> {
  let before = tunnel.moved;
  try {
    for (;;) {
      const chunk = await conn.read().catch((error: unknown) => {
        // A client that only reads for hours is not idle.
        if (!(error instanceof Timeout) || error.reason !== 'idle' || before === tunnel.moved)
          throw error;
        return 'nothing' as const;
      });
      before = tunnel.moved;
      if (chunk === 'nothing') continue;
      if (chunk === undefined) break;
      tunnel.moved += chunk.length;
      if (!inner.write(chunk)) await drained(inner);
      if (inner.destroyed) return;
    }
    inner.end();
  } catch {
    inner.destroy();
  }
}

async function toClient(conn: Conn, inner: Socket, tunnel: { moved: number }): Promise<void> {
  try {
    for await (const chunk of inner.iterator({ destroyOnReturn: false })) {
      tunnel.moved += (chunk as Buffer).length;
      conn.write(chunk as Buffer);
      await conn.flush();
    }
  } catch {
    // The client is gone, or the other process is: nothing more will come.
  } finally {
    inner.destroy();
  }
}

function drained(stream: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}
