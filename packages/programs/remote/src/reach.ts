// From a list of addresses to a server that has greeted us.

import type { Socket } from 'node:net';
import { errnoOf, Temporary } from '@q/fault';
import type { Candidate } from './candidates.ts';
import { connectTo } from './connect.ts';
import { SmtpConnection } from './connection.ts';
import { awaitGreeting, NotGreeted } from './dialogue.ts';
import type { Timeouts } from './tcpto.ts';

export interface ReachOptions {
  readonly port: number;
  readonly timeouts: Timeouts;
  /** control/timeoutconnect. */
  readonly connectSeconds: number;
  /** control/timeoutremote. */
  readonly replySeconds: number;
}

/**
 * Tries one address after the other. A server that refuses us with its greeting, or hangs up before it,
 * is passed over like one that cannot be reached (RFC 5321 section 5.1); what the last of them said is
 * told when there is no other. Throws Temporary.
 */
export async function reachServer(
  candidates: readonly Candidate[],
  options: ReachOptions,
): Promise<SmtpConnection> {
  let failure: Temporary | undefined;
  for (const { address } of candidates) {
    if (await options.timeouts.skips(address)) continue;
    const socket = await attempt(address, options);
    if (socket === undefined) continue;
    const connection = new SmtpConnection(socket, address, options.replySeconds);
    try {
      await awaitGreeting(connection);
      return connection;
    } catch (error) {
      connection.close();
      if (!(error instanceof NotGreeted)) throw error;
      failure = error;
    }
  }
  throw failure ?? new Temporary("Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)");
}

async function attempt(
  address: string,
  { port, connectSeconds, timeouts }: ReachOptions,
): Promise<Socket | undefined> {
  let socket: Socket | undefined;
  let timedOut = false;
  try {
    socket = await connectTo(address, port, connectSeconds);
  } catch (error) {
    timedOut = errnoOf(error) === 'ETIMEDOUT';
  }
  await timeouts.note(address, timedOut);
  return socket;
}
