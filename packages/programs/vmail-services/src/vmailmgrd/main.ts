// vmailmgrd: domain administration over a socket, for programs that are not the domain's owner. vmailmgrd(8).
//
// vmailmgrd                one request on descriptors 0 and 1, under unixserver; becomes the owner itself
// vmailmgrd --listen ...   the whole service, see service/parent.ts

import { Permanent } from '@q/fault';
import { argText, type Invocation } from '@q/proc';
import { isServiceChild } from '@q/service';
import { type Conn, listenOptionsOf, serveStdio } from '@q/session';
import { become, openSettings } from '@q/vmailmgr';
import type { Request } from '@q/vmailmgrd';
import { CLIENT_SECONDS } from '../limits.ts';
import { requestServiceChild, requestServiceParent } from '../service/parent.ts';
import { authorise } from './authorise.ts';
import { logLevelOf, openRequestLog } from './log.ts';
import { peerUid } from './peer.ts';
import { readRequest, whyUnread } from './read-request.ts';
import { carryOut, type Outcome, refuse } from './replies.ts';
import { vmailmgrdService } from './resident.ts';

const NOBODY = 'qmaild';

/** Exit code 0 when a request was answered or the service was stopped. */
export async function vmailmgrdMain(invocation: Invocation): Promise<number> {
  if (isServiceChild()) return requestServiceChild(vmailmgrdService, invocation);
  const { options, env } = invocation;
  const asked = Array.isArray(options.listen) ? (options.listen as readonly string[]) : [];
  const wanted = asked.map((address) => (address === 'default' ? defaultAddress(env) : address));
  const resident = listenOptionsOf(
    wanted.length === 0 ? options : { ...options, listen: wanted },
    env,
    NOBODY,
  );
  if (resident !== undefined) return requestServiceParent(vmailmgrdService, invocation, resident);
  for (const name of ['mode', 'group'] as const)
    if (options[name] !== undefined) throw new Permanent(`--${name} needs --listen`);
  return serveStdio((conn) => oneRequest(conn, invocation), { env });
}

/** The place clients look for it: the setting socket-file. */
function defaultAddress(env: Invocation['env']): string {
  return `unix:${argText(openSettings({ env }).string('socket-file'))}`;
}

async function oneRequest(conn: Conn, { options, env }: Invocation): Promise<number> {
  const log = openRequestLog(process.pid, logLevelOf(options));
  conn.idleTimeout = CLIENT_SECONDS;
  conn.deadline = Date.now() + CLIENT_SECONDS * 1000;
  let request: Request;
  try {
    request = await readRequest(conn);
  } catch (error) {
    log.malformed(whyUnread(error));
    return 1;
  }
  conn.deadline = undefined;
  log.request(request);
  let outcome: Outcome;
  try {
    const { base, job } = await authorise(request, peerUid(0), env);
    become(base);
    outcome = await carryOut(conn, job, base.home, { ...env, HOME: base.home, USER: base.user });
  } catch (error) {
    outcome = await refuse(conn, error);
  }
  log.completed(outcome);
  return 0;
}
