// From a list of addresses to a server that is ready for the first message.

import type { Socket } from 'node:net';
import { errnoOf, Temporary } from '@q/fault';
import { connectTo } from '@q/session';
import { bindAddressTowards } from './bind-route.ts';
import { Connection } from './connection.ts';
import { awaitGreeting, introduce, NotGreeted } from './greeting.ts';
import { type Line, qmtpLine, smtpLine } from './line.ts';
import type { Plan } from './plan.ts';
import { SmtpConnection } from './smtp-connection.ts';
import type { Timeouts } from './tcpto.ts';

/**
 * Tries one address after the other. A server that refuses us with its greeting, or hangs up before it,
 * is passed over like one that cannot be reached (RFC 5321 section 5.1); what the last of them said is
 * told when there is no other. Throws Temporary.
 */
export async function reachServer(plan: Plan, timeouts: Timeouts): Promise<Line> {
  let failure: Temporary | undefined;
  for (const { address } of plan.candidates) {
    if (await timeouts.skips(address)) continue;
    const socket = await attempt(address, plan, timeouts);
    if (socket === undefined) continue;
    const connection = new Connection(socket, address, plan.settings.replySeconds);
    try {
      return await begin(connection, plan);
    } catch (error) {
      connection.close();
      if (!(error instanceof NotGreeted)) throw error;
      failure = error;
    }
  }
  throw failure ?? new Temporary("Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)");
}

/** Throws NotGreeted when the next address may do better. */
async function begin(connection: Connection, { route, settings }: Plan): Promise<Line> {
  if (route.protocol === 'qmtp') return qmtpLine(connection);
  const smtp = new SmtpConnection(connection);
  await awaitGreeting(smtp);
  await introduce(smtp, settings.helo);
  return smtpLine(smtp);
}

async function attempt(
  address: string,
  { route, bind, settings }: Plan,
  timeouts: Timeouts,
): Promise<Socket | undefined> {
  let socket: Socket | undefined;
  let timedOut = false;
  try {
    const local = bindAddressTowards(address, bind);
    socket = await connectTo(address, route.port, local, settings.connectSeconds);
  } catch (error) {
    timedOut = errnoOf(error) === 'ETIMEDOUT';
  }
  await timeouts.note(address, timedOut);
  return socket;
}
