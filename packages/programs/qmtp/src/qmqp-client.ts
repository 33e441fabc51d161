// One request to one QMQP server, and what comes of it as an exit code of qmail-queue(8).

import type { Socket } from 'node:net';
import { errnoOf } from '@q/fault';
import { AnswerDecoder, answerLetter } from '@q/qmtp';
import { QueueExit } from '@q/queue-socket';
import { type Conn, connectTo, connOf, Disconnected, Timeout } from '@q/session';
import { ANSWER_MAX, CONNECT_SECONDS, SERVER_SECONDS } from './limits.ts';
import type { QmqpServer } from './qmqp-servers.ts';

/** What goes over the wire, chunk by chunk, as often as it is asked for. The chunks stay as they are. */
export type Request = () => AsyncIterable<Buffer>;

/**
 * Hands the request to one server. 0: it has it; 31: it never will, nor will another; anything else: the
 * next one may. After 74 this one may have it all the same. Throws what `request` throws.
 */
export async function offer({ address, port }: QmqpServer, request: Request): Promise<number> {
  let socket: Socket;
  try {
    socket = await connectTo(address, port, undefined, CONNECT_SECONDS);
  } catch (error) {
    return connectExit(errnoOf(error));
  }
  const conn = connOf(socket, socket, { idleTimeout: SERVER_SECONDS });
  try {
    return answerExit(await converse(conn, request));
  } catch (error) {
    if (error instanceof Disconnected || error instanceof Timeout)
      return QueueExit.CONNECTION_BROKE;
    throw error;
  } finally {
    conn.destroy();
  }
}

/** The server's answer; undefined when it ended the connection without one, or said something else. */
async function converse(conn: Conn, request: Request): Promise<string | undefined> {
  for await (const chunk of request()) {
    conn.write(chunk);
    await conn.flush();
  }
  let answer: string | undefined;
  const decoder = new AnswerDecoder(ANSWER_MAX, (text) => {
    answer ??= text;
  });
  conn.deadline = Date.now() + SERVER_SECONDS * 1000;
  while (answer === undefined) {
    const chunk = await conn.read();
    if (chunk === undefined) return undefined;
    try {
      decoder.push(chunk);
    } catch {
      return answer;
    }
  }
  return answer;
}

function answerExit(answer: string | undefined): number {
  if (answer === undefined) return QueueExit.CONNECTION_BROKE;
  const codes = { K: QueueExit.QUEUED, D: QueueExit.REFUSED, Z: QueueExit.SERVER_BUSY };
  return codes[answerLetter(answer)];
}

/** No descriptor, or no such network here, is our own trouble. */
function connectExit(errno: string | undefined): number {
  if (errno === 'ETIMEDOUT') return QueueExit.CONNECT_TIMEOUT;
  const ours = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAFNOSUPPORT'];
  return ours.includes(errno ?? '') ? QueueExit.NETWORK : QueueExit.CONNECT_REFUSED;
}
