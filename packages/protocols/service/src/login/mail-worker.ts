// What a worker does for a service with logins: judges the passwords of its user's virtual users, whose table the
// user could have filled with anything, and serves their mailboxes.

import { bytesOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import { escapeForLog } from '@q/log';
import {
  type Conn,
  connOfAccepted,
  Disconnected,
  type HeldSocket,
  socketOfHeld,
  Timeout,
} from '@q/session';
import { EXIT_LOGIN_REFUSED, LoginAttempt } from '@q/vmailmgr';
import type { WorkerPart, WorkerPlaces } from '../worker-process.ts';
import { HOOK_PLACE } from './broker.ts';
import { GRACE_SECONDS } from './limits.ts';
import type { Counts, MailService } from './mail-service.ts';
import type { Checked, Env, LoginWork } from './messages.ts';

/** The worker of one user. SIGTERM: sessions that wait for a command end at once, others get a little time. */
export function mailWorker(service: MailService, places: WorkerPlaces): WorkerPart {
  const conns = new Set<Conn>();
  let stopping = false;
  const adopt = (conn: Conn) => {
    conns.add(conn);
    if (stopping) conn.stop(GRACE_SECONDS);
  };
  return {
    // The parent is the only one who talks to us, and it is more than we are.
    work: async (asked, held) => {
      const work = asked as LoginWork;
      if (work.do !== 'serve') return judge(work, places);
      if (held === undefined) return undefined;
      const conn = connect(service, held, work.rest);
      adopt(conn);
      try {
        return { counts: await serve(service, conn, work, places) };
      } finally {
        conns.delete(conn);
      }
    },
    stop: () => {
      stopping = true;
      for (const conn of conns) conn.stop(GRACE_SECONDS);
    },
    ...(service.end !== undefined && { end: service.end }),
  };
}

async function judge(
  work: LoginWork & { do: 'login' | 'admit' },
  { account, log }: WorkerPlaces,
): Promise<Checked> {
  const { virtualName, maildir } = work;
  const attempt = resume(work.env, account.home);
  try {
    if (work.do === 'admit') await attempt.finishTrusted(account.home, virtualName, maildir);
    else await attempt.finish(account.home, virtualName, work.credentials, maildir);
    const { env, proof } = attempt;
    return { verdict: 'ok', env: env as Env, ...(proof !== undefined && { proof }) };
  } catch (error) {
    const { exitCode, message } = await attempt.fail(error);
    if (exitCode === EXIT_LOGIN_REFUSED) return { verdict: 'refused' };
    log(`warning: uid ${account.uid}: ${escapeForLog(message)}`);
    return { verdict: 'temporary' };
  }
}

/** A login of which another process has done the first half, or this one the second already. */
function resume(env: Env, home: string): LoginAttempt {
  const attempt = new LoginAttempt({}, HOOK_PLACE);
  Object.assign(attempt.env, env);
  attempt.enter(home);
  return attempt;
}

function connect(service: MailService, held: HeldSocket, rest: string): Conn {
  const socket = socketOfHeld(held);
  const conn = connOfAccepted(socket, {
    idleTimeout: service.idleSeconds,
    linger: service.lingerSeconds,
  });
  conn.unread(bytesOf(rest));
  return conn;
}

async function serve(
  service: MailService,
  conn: Conn,
  { env, tag, secure }: LoginWork & { do: 'serve' },
  places: WorkerPlaces,
): Promise<Counts> {
  const { account, log } = places;
  const counts: Counts = {};
  let broken: string | undefined;
  try {
    const variables = { ...settingsOf(service, places), ...env };
    const maildir = env.MAILDIR ?? '';
    await service.serve(conn, { maildir, tag, secure, env: variables }, counts);
  } catch (error) {
    if (!(error instanceof Timeout || error instanceof Disconnected))
      broken = faultOf(error, 'internal error').message;
  } finally {
    await conn.close();
  }
  if (broken === undefined) await resume(env, account.home).end();
  else log(`warning: uid ${account.uid}: ${escapeForLog(broken)}`);
  return counts;
}

/** The service's variables as this process has them. */
function settingsOf({ variables = [] }: MailService, { env }: WorkerPlaces): Env {
  const set = variables.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(set);
}
