// qmail-smtpd: one client on fds 0 and 1, or many with --listen.

import { qmailHome } from '@q/control';
import { faultOf } from '@q/fault';
import { type Log, openGatheringLog } from '@q/log';
import type { Invocation } from '@q/proc';
import { connectQueue } from '@q/queue-socket';
import { listen, listenOptionsOf, type Session, serveStdio } from '@q/session';
import { type Config, configFor } from './config.ts';
import { REPLY } from './replies.ts';
import { session as serveClient } from './session.ts';
import { CurrentSettings } from './settings.ts';
import type { Services } from './state.ts';

/** Who a listener started as root becomes: the user that may do nothing. */
const USER = 'qmaild';

/** Serves, and logs what it throws: fd 2 may be the client's, so nobody else should. */
export async function smtpdMain(invocation: Invocation): Promise<number> {
  const log = openGatheringLog('qmail-smtpd');
  try {
    return await serve(invocation, log);
  } catch (error) {
    const fault = faultOf(error, 'internal error');
    log(`fatal: ${fault.message}`);
    throw fault;
  }
}

async function serve({ env, options }: Invocation, log: Log): Promise<number> {
  const home = qmailHome(env);
  const wanted = listenOptionsOf(options, env, USER);
  const queue = connectQueue({ home, env, program: wanted === undefined ? 'oneshot' : 'resident' });
  const services: Services = { home, queue, now: () => Date.now() / 1000 };
  const session = smtpSession(services, log);
  try {
    if (wanted === undefined) return await serveStdio(session, { env });
    const listener = await listen(session, { ...wanted, busy: REPLY.busy, log });
    await listener.closed;
    return 0;
  } finally {
    queue.close();
  }
}

/** The session with its configuration read first, which may be all there is to say. */
export function smtpSession(services: Services, log: Log): Session {
  const settings = new CurrentSettings(services.home);
  return async (conn, peer) => {
    let config: Config;
    try {
      config = configFor(settings.get(), peer);
    } catch (error) {
      log(`warning: ${faultOf(error, 'unable to read controls').message}`);
      conn.write(`${REPLY.noControls}\r\n`);
      return 1;
    }
    return serveClient(conn, peer, config, services);
  };
}
