// Authentication for Courier as a service: what its three kinds of process do. service/service.ts.

import { bytesOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import { escapeForLog, type Log } from '@q/log';
import type { WorkerPlaces } from '@q/service';
import { type Conn, connOf, type HeldSocket, socketOfHeld } from '@q/session';
import { CLIENT_SECONDS } from '../limits.ts';
import type { Verdict } from '../service/messages.ts';
import type { Guess, ParentPlaces, RequestService } from '../service/service.ts';
import { answerAuth, FAIL } from './answer.ts';
import { type AuthRequest, authRequestOf, readAuthRequest } from './request.ts';
import type { AuthResult } from './result.ts';
import { authenticateWork } from './work.ts';

/** `name` is the program's, for the log. */
export function authService(name: string): RequestService {
  return { name, read, guess, serve, work };
}

/** In the front process. */
async function read(conn: Conn, id: number, log: Log): Promise<AuthRequest | undefined> {
  try {
    return await readAuthRequest(conn);
  } catch (error) {
    log(`warning: ${id} malformed: ${escapeForLog(faultOf(error, 'request').message)}`);
    return undefined;
  }
}

/** In the front process. */
function guess(message: unknown): Guess | undefined {
  const request = message as AuthRequest;
  return isGuess(request) ? { ip: request.ip, account: request.user } : undefined;
}

function isGuess(
  request: AuthRequest,
): request is AuthRequest & { do: 'login' | 'cram' | 'passwd' } {
  return request.do === 'login' || request.do === 'cram' || request.do === 'passwd';
}

/** In the parent. Without an answer the client is hung up on, which it takes for a temporary failure. */
async function serve(
  _id: number,
  message: unknown,
  held: HeldSocket,
  places: ParentPlaces,
): Promise<Verdict | undefined> {
  const request = authRequestOf(message);
  if (request === undefined) {
    held.close();
    places.log('warning: the front process sent no request');
    return undefined;
  }
  let reply: string | undefined;
  try {
    reply = await answerAuth(request, places);
  } catch (error) {
    places.log(`warning: ${escapeForLog(faultOf(error, 'internal error').message)}`);
  }
  const socket = socketOfHeld(held);
  const conn = connOf(socket, socket, { idleTimeout: CLIENT_SECONDS });
  if (reply !== undefined) conn.write(bytesOf(reply));
  await conn.close();
  if (reply === undefined || !isGuess(request)) return undefined;
  return reply === FAIL ? 'wrong' : 'right';
}

/** In a worker. The parent is the only one who talks to it, and has checked what it sends. */
function work(
  message: unknown,
  held: HeldSocket | undefined,
  places: WorkerPlaces,
): Promise<AuthResult> {
  held?.close();
  return authenticateWork(message as AuthRequest, places);
}
