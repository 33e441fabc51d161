// Clients of the queue socket for this package's tests: the real one, and a raw connection.

import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { encodeEnvelope } from '@q/address';
import { connectQueue, type Queue, type QueueResult } from '@q/queue-socket';

const ENVELOPE = encodeEnvelope('a@b.c', ['d@e.f']);

export function netstring(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(',')]);
}

/** One request as it goes over the wire. */
export function request(message: string, envelope: Buffer = ENVELOPE): Buffer {
  return Buffer.concat([netstring(Buffer.from(message)), Buffer.from('0:,'), netstring(envelope)]);
}

/** A client that finds only the socket: there is no bin/qmail-queue in a test's tree. */
export function client(home: string): Queue {
  return connectQueue({ home, env: {} });
}

export async function send(queue: Queue, message: Buffer | string): Promise<QueueResult> {
  const writer = await queue.open();
  await writer.write(Buffer.from(message));
  return writer.commit('a@b.c', ['d@e.f']);
}

export interface RawConnection {
  readonly socket: Socket;
  /** All that was answered so far, as text. */
  answers(): string;
  readonly ended: Promise<unknown>;
}

export async function connectRaw(home: string): Promise<RawConnection> {
  const socket = createConnection({ path: join(home, 'run/queue.socket') });
  socket.on('error', () => {});
  await once(socket, 'connect');
  let answers = '';
  socket.on('data', (chunk) => {
    answers += chunk.toString('latin1');
  });
  const ended = new Promise((done) => socket.once('close', done));
  return { socket, answers: () => answers, ended };
}
