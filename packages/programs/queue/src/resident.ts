// The queue server: qmail-queue --listen. One process as the queue's owner takes messages from everyone
// on the host, over the queue socket; the kernel says who is calling.

import { setMaxListeners } from 'node:events';
import { chmodSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { errnoText } from '@q/fault';
import { DirectorySync } from '@q/fsx';
import type { Log } from '@q/log';
import { type InvokerIds, invokedBy } from '@q/message';
import { type PeerCredentials, peerCredentials } from '@q/posix';
import type { QueuePaths } from '@q/queue-files';
import { QueueExit, type QueueHandlers, refuse, serveQueueConnection } from '@q/queue-socket';
import { Committers } from './committers.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { QueueEntry } from './entry.ts';
import { GRACE_SECONDS, THREADS } from './limits.ts';
import { PidNames } from './pid-names.ts';
import { groupedTrigger } from './trigger.ts';

const SOCKET_MODE = 0o666;
const BACKLOG = 511;

export interface ServeQueueOptions {
  /** Where to listen. */
  readonly path: string;
  readonly paths: QueuePaths;
  /** The queue's owner: this process's uid. */
  readonly owner: number;
  readonly ids: InvokerIds;
  /** A descriptor whose end of file means: stop. It gets one byte when clients can connect. */
  readonly lifeline: number | undefined;
  readonly log: Log;
}

/** Serves until SIGTERM, SIGINT or the lifeline's end, then finishes what is under way. */
export async function serveQueue(options: ServeQueueOptions): Promise<void> {
  // libuv reads it when the first file operation starts its threads, and from nowhere else.
  process.env.UV_THREADPOOL_SIZE ??= String(THREADS);
  const stopped = stopRequest(options.lifeline);
  const closing = new AbortController();
  const cutting = new AbortController();
  setMaxListeners(0, closing.signal, cutting.signal); // each connection listens
  const running = new Set<Promise<void>>();
  const serve = connectionHandler(options, { closing: closing.signal, cutting: cutting.signal });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const served = serve(socket);
    running.add(served);
    served.finally(() => running.delete(served));
  });
  await bind(server, options.path);
  if (options.lifeline !== undefined) sayReady(options.lifeline);
  options.log(`listening on ${options.path}`);

  const reason = await stopped;
  options.log(`${reason}: finishing ${running.size} connections`);
  server.close();
  closing.abort();
  const grace = setTimeout(() => cutting.abort(), GRACE_SECONDS * 1000);
  while (running.size > 0) await Promise.all(running);
  clearTimeout(grace);
}

interface Signals {
  readonly closing: AbortSignal;
  readonly cutting: AbortSignal;
}

function connectionHandler(options: ServeQueueOptions, signals: Signals) {
  const { ids, log, owner, paths } = options;
  const names = new PidNames();
  const directories = new DirectorySync();
  const committers = new Committers();
  const wake = groupedTrigger(paths.lock('trigger'));
  const shared = { paths, names, directories, committers, wake };
  const trusted = [owner, 0, ...(ids.single ? [] : [ids.alias, ids.qmaild, ids.qmails])];
  const counts = new ConnectionCounts(trusted);

  return async (socket: Socket): Promise<void> => {
    socket.on('error', () => {}); // the reader sees its end
    const peer = credentialsOf(socket, log);
    const release = peer && counts.admit(peer.uid);
    if (peer === undefined || release === undefined) {
      await refuse(socket, QueueExit.SERVER_BUSY);
      return;
    }
    const who = invokedBy(peer.uid, ids);
    const handlers: QueueHandlers = {
      begin: (ordinal) => {
        // Of several messages of one process only the first can have its pid as a name.
        const pid = ordinal === 1 && peer.pid > 0 ? peer.pid : undefined;
        return new QueueEntry({ ...shared, uid: peer.uid, who, pid });
      },
      onFault: (fault) => log(`uid ${peer.uid}: ${errnoText(fault)}`),
    };
    try {
      await serveQueueConnection(socket, handlers, signals);
    } finally {
      release();
    }
  };
}

function credentialsOf(socket: Socket, log: Log): PeerCredentials | undefined {
  try {
    // Node has no public way to a socket's descriptor.
    const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
    return peerCredentials(fd);
  } catch (error) {
    log(`unable to tell who is calling: ${errnoText(error)}`);
    return undefined;
  }
}

/**
 * Binds beside `path` and renames: at every moment `path` leads to a server, if there was one before.
 * It is left behind at the end: a stale socket refuses connections, and unlinking could take away the
 * successor's.
 */
async function bind(server: Server, path: string): Promise<void> {
  const own = `${path}.${process.pid}`;
  try {
    unlinkSync(own); // left by a process of the same pid, killed between bind and rename
  } catch {
    // As it should be.
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: own, backlog: BACKLOG }, resolve);
  });
  chmodSync(own, SOCKET_MODE);
  renameSync(own, path);
}

/** qmail-send waits for it with the bounces that are due right at the start. */
function sayReady(lifeline: number): void {
  try {
    writeSync(lifeline, Buffer.alloc(1));
  } catch {
    // It can only be read, or nobody is there any more: the end of file tells.
  }
}

/** Resolves with the reason to stop. */
function stopRequest(lifeline: number | undefined): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    if (lifeline === undefined) return;
    const lost = () => resolve('lifeline lost');
    const socket = new Socket({ fd: lifeline, readable: true, writable: false });
    socket.on('error', lost);
    socket.on('close', lost);
    socket.on('end', lost);
    socket.resume();
  });
}
