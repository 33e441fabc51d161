// A queue socket in a directory of its own, served by whatever a test wants, without a queue behind it.

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeNetstring } from '@q/bytes';
import { Temporary } from '@q/fault';
import { type QueueSink, type ServeOptions, serveQueueConnection } from '../server.ts';

export interface Home {
  readonly path: string;
  remove(): void;
}

/** A QMAILHOME whose run/queue.socket is served by `handle`. */
export async function serveWith(handle: (socket: Socket) => void): Promise<Home> {
  const path = mkdtempSync(join(tmpdir(), 'qs-'));
  mkdirSync(join(path, 'run'));
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    handle(socket);
  });
  server.listen({ path: join(path, 'run/queue.socket') });
  await once(server, 'listening');
  return {
    path,
    remove: () => {
      server.close();
      rmSync(path, { recursive: true });
    },
  };
}

/** Keeps the message in memory; one that begins with "full" or "bug" fails. */
export class MemorySink implements QueueSink {
  readonly calls: string[];
  readonly onBegin: () => void;
  message = '';
  constructor(calls: string[], onBegin = () => {}) {
    this.calls = calls;
    this.onBegin = onBegin;
  }
  async write(bytes: Buffer): Promise<void> {
    if (this.message === '') this.onBegin();
    this.message += bytes.toString('latin1');
    if (this.message.startsWith('full')) throw new Temporary('disk full', { exitCode: 53 });
    if (this.message.startsWith('bug')) throw new TypeError('undefined is not a function');
  }
  async endMessage(): Promise<void> {
    this.calls.push(`message ${this.message.slice(0, 10)}`);
  }
  async writeEnvelope(): Promise<void> {}
  async commit() {
    this.calls.push('commit');
    return { number: '7', qp: '8' };
  }
  async abort(): Promise<void> {
    this.calls.push('abort');
  }
}

/** serveWith a memory sink for each request: what was called on them, what would be logged, how many messages began. */
export async function serveMemory(options: ServeOptions = {}) {
  const calls: string[] = [];
  const faults: unknown[] = [];
  let begun = 0;
  const onBegin = () => {
    begun++;
  };
  const home = await serveWith((socket) => {
    const handlers = {
      begin: () => new MemorySink(calls, onBegin),
      onFault: (error: unknown) => faults.push(error),
    };
    void serveQueueConnection(socket, handlers, options);
  });
  return { home, calls, faults, begun: () => begun };
}

/** A connection that sends what it is told; `answers` is all that came back. */
export async function connectRaw(home: Home) {
  const socket = createConnection({ path: join(home.path, 'run/queue.socket') });
  socket.on('error', () => {});
  let answers = '';
  socket.on('data', (chunk) => {
    answers += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  return {
    socket,
    answers: () => answers,
    ended: new Promise((done) => socket.once('close', done)),
  };
}

export async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 120_000; !condition(); await sleep(5))
    if (Date.now() > end) throw new Error('waited in vain');
}

/** One request as it goes over the wire. */
export const request = (message: string) =>
  Buffer.concat([
    encodeNetstring(Buffer.from(message)),
    Buffer.from('0:,'),
    encodeNetstring(Buffer.from('Fa\0\0')),
  ]);
