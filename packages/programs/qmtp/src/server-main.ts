// qmail-qmtpd and qmail-qmqpd: one client on fds 0 and 1, or many with --listen.

import { qmailHome } from '@q/control';
import { faultOf, isFault, Permanent } from '@q/fault';
import { escapeForLog, type Log, openLog } from '@q/log';
import type { Invocation } from '@q/proc';
import { BrokenOff } from '@q/qmtp';
import { connectQueue } from '@q/queue-socket';
import {
  type Conn,
  Disconnected,
  listen,
  listenOptionsOf,
  type Peer,
  parseEndpoint,
  type Session,
  serveStdio,
  Timeout,
} from '@q/session';
import type { Services } from './intake.ts';
import { SESSION_SECONDS } from './limits.ts';
import { qmqpSession } from './qmqpd.ts';
import { qmtpSession } from './qmtpd.ts';

/** Who a listener started as root becomes: the user that may do nothing. */
const USER = 'qmaild';

/** Serves one client to the end of its connection, or throws what ended it. */
type Protocol = (conn: Conn, peer: Peer, services: Services) => Promise<void>;

export function qmtpdMain(invocation: Invocation): Promise<number> {
  return serverMain(invocation, 'qmail-qmtpd', qmtpSession);
}

/** A listener must have rules, or be reached through the file system only: what it takes may go anywhere. */
export function qmqpdMain(invocation: Invocation): Promise<number> {
  return serverMain(invocation, 'qmail-qmqpd', qmqpSession, ({ addresses, rules }) => {
    const network = addresses.some((address) => parseEndpoint(address).kind !== 'unix');
    if (rules === undefined && network)
      throw new Permanent('--listen needs --rules: everybody else could relay mail through us');
  });
}

type Wanted = NonNullable<ReturnType<typeof listenOptionsOf>>;

/** Serves, and logs what it throws: fd 2 may be the client's, so nobody else should. */
async function serverMain(
  { env, options }: Invocation,
  name: string,
  protocol: Protocol,
  check: (wanted: Wanted) => void = () => {},
): Promise<number> {
  const log = openLog(name);
  try {
    const home = qmailHome(env);
    const wanted = listenOptionsOf(options, env, USER);
    if (wanted !== undefined) check(wanted);
    const queue = connectQueue({ home, env, program: wanted ? 'resident' : 'oneshot' });
    try {
      const session = hosted(protocol, { home, queue, now: () => Date.now() / 1000 }, log);
      if (wanted === undefined) return await serveStdio(session, { env });
      await (await listen(session, { ...wanted, log })).closed;
      return 0;
    } finally {
      queue.close();
    }
  } catch (error) {
    const fault = faultOf(error, 'internal error');
    log(`fatal: ${fault.message}`);
    throw fault;
  }
}

/** The protocol with its clock, and with qmail's exit codes for its ends. */
export function hosted(protocol: Protocol, services: Services, log: Log): Session {
  return async (conn: Conn, peer: Peer): Promise<number> => {
    conn.idleTimeout = SESSION_SECONDS;
    conn.deadline = Date.now() + SESSION_SECONDS * 1000; // the clock that Conn goes by
    try {
      await protocol(conn, peer, services);
      return 0;
    } catch (error) {
      if (error instanceof BrokenOff || error instanceof Disconnected) return 0;
      if (error instanceof Timeout) return 111;
      if (!isFault(error)) throw faultOf(error, 'internal error');
      log(`warning: ${escapeForLog(`${peer.remoteIp}: ${error.message}`)}`);
      return error instanceof Permanent ? 100 : 111;
    }
  };
}
