// vmailmgrd as a resident service: what its three kinds of process do. service/service.ts.

import { faultOf } from '@q/fault';
import { fieldsOf, isText, type WorkerPlaces } from '@q/service';
import { type Conn, connOf, descriptorOf, type HeldSocket, socketOfHeld } from '@q/session';
import type { Request } from '@q/vmailmgrd';
import { CLIENT_SECONDS, TEXT_MAX, WORK_TIMEOUT } from '../limits.ts';
import type { Verdict } from '../service/messages.ts';
import type { Guess, ParentPlaces, RequestService } from '../service/service.ts';
import { type Authorised, authorise, INCORRECT_PASSWORD, type Job } from './authorise.ts';
import { guessedDomain } from './commands.ts';
import { logLevelOf, openRequestLog } from './log.ts';
import { peerUid } from './peer.ts';
import { readRequest, whyUnread } from './read-request.ts';
import { carryOut, type Outcome, refuse } from './replies.ts';

export const vmailmgrdService: RequestService = { name: 'vmailmgrd', read, guess, serve, work };

/** In the front process. A malformed request is not answered; its client is hung up on. */
async function read(conn: Conn, id: number): Promise<Request | undefined> {
  try {
    return await readRequest(conn);
  } catch (error) {
    openRequestLog(id, { which: 'all', verbose: false }).malformed(whyUnread(error));
    return undefined;
  }
}

/** In the front process. The kernel knows the uid of a client, but a web server's is that of all its visitors. */
function guess(request: unknown): Guess | undefined {
  const account = guessedDomain(request as Request);
  return account === undefined ? undefined : { ip: undefined, account };
}

/** In the parent. What the client is refused here the parent says itself; anything else a worker says. */
async function serve(
  id: number,
  message: unknown,
  held: HeldSocket,
  { env, workers, options, log: warn }: ParentPlaces,
): Promise<Verdict | undefined> {
  const request = requestOf(message);
  if (request === undefined) {
    held.close();
    warn('warning: the front process sent no request');
    return undefined;
  }
  const log = openRequestLog(id, logLevelOf(options));
  log.request(request);
  const uid = peerUid(descriptorOf(held));
  log.detail(`client uid ${uid ?? 'unknown'}`);
  let authorised: Authorised;
  try {
    authorised = await authorise(request, uid, env);
  } catch (error) {
    const outcome = await answering(held, (conn) => refuse(conn, error));
    log.completed(outcome);
    return verdictOf(outcome);
  }
  const { base, job } = authorised;
  log.detail(`owner ${base.user} uid ${base.uid} user "${job.virtualName}" admin ${job.admin}`);
  try {
    const outcome = outcomeOf(await workers.do(base, job, { held, timeout: WORK_TIMEOUT }));
    log.completed(outcome);
    return verdictOf(outcome);
  } catch (error) {
    log.completed({ code: 3, text: faultOf(error, 'internal error').message });
    return undefined;
  }
}

/** Any other end says nothing about a password. */
function verdictOf({ code, text }: Outcome): Verdict | undefined {
  return code === 2 && text === INCORRECT_PASSWORD ? 'wrong' : undefined;
}

/** In a worker. */
function work(
  message: unknown,
  held: HeldSocket | undefined,
  { env, account }: WorkerPlaces,
): Promise<Outcome> {
  if (held === undefined) return Promise.resolve({ code: 3, text: 'the client is gone' });
  // The parent is the only one who talks to us, and it is more than we are.
  const job = message as Job;
  return answering(held, (conn) => carryOut(conn, job, account.home, env));
}

/** Writes to a client and hangs up. */
async function answering(
  held: HeldSocket,
  speak: (conn: Conn) => Promise<Outcome>,
): Promise<Outcome> {
  const socket = socketOfHeld(held);
  const conn = connOf(socket, socket, { idleTimeout: CLIENT_SECONDS });
  try {
    return await speak(conn);
  } finally {
    await conn.close();
  }
}

function requestOf(value: unknown): Request | undefined {
  const { command, args } = fieldsOf(value) ?? {};
  if (!isWord(command) || !Array.isArray(args) || args.length > 255) return undefined;
  return args.every(isWord) ? { command, args } : undefined;
}

function outcomeOf(value: unknown): Outcome {
  const { code, text } = fieldsOf(value) ?? {};
  if ((code === 0 || code === 1 || code === 2 || code === 3) && isWord(text)) return { code, text };
  return { code: 3, text: 'the worker of this domain failed' };
}

function isWord(value: unknown): value is string {
  return isText(value, TEXT_MAX);
}
