// The AUTHORIZATION state in the login process: RFC 1939 section 4. It has no rights and knows no
// passwords; it asks the parent, and gives the client away once the parent says yes.
//
// The greeting has an APOP stamp only where that was asked for: passwords are stored hashed, so for most users
// APOP could never work, and clients (curl) try it first wherever they see a stamp.

import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { escapeForLog, type Log } from '@q/log';
import { type Authorizing, authorizationTable, ERR, ok, serveCommands, tlsRequired } from '@q/pop3';
import type { SaslLogin } from '@q/sasl';
import {
  type Conn,
  heldSocketOfFd,
  openTunnel,
  type Peer,
  type Place,
  type Secure,
  type Session,
} from '@q/session';
import type { LoginThrottle } from '@q/throttle';
import type { Tally } from '../session.ts';
import { ATTEMPTS_MAX, LOGIN_SECONDS } from './limits.ts';
import type { Link } from './link.ts';
import type { LocalNames } from './local-names.ts';

export interface Gatekeeper {
  readonly link: Link;
  readonly throttle: LoginThrottle;
  readonly names: LocalNames;
  readonly log: Log;
  /** For STLS; undefined where there is no certificate. */
  readonly secure: Secure | undefined;
  readonly requireTls: boolean;
  /** APOP and CRAM-MD5 are offered. */
  readonly digests: boolean;
}

/** The session of a login process: it ends when the client is gone, whoever served it last. */
export function authorization(gatekeeper: Gatekeeper): Session {
  return async (conn: Conn, peer: Peer, place?: Place): Promise<void> => {
    conn.idleTimeout = LOGIN_SECONDS;
    conn.deadline = Date.now() + LOGIN_SECONDS * 1000;
    const { secure, requireTls, digests } = gatekeeper;
    const needsTls = tlsRequired(peer, requireTls);
    const stamp = digests ? newStamp(peer) : undefined;
    conn.write(ok(stamp === undefined ? 'POP3 server ready' : `POP3 server ready ${stamp}`));
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const state: State = {
        conn,
        stamp,
        cramMd5: digests,
        tls: secure && (() => secure),
        needsTls,
      };
      await serveCommands(conn, TABLE, state);
      if (state.login === undefined) return;
      const outcome = await tryLogin(gatekeeper, conn, { peer, place }, state.login);
      if (outcome !== 'again') return;
    }
  };
}

interface State extends Authorizing {
  /** After PASS, APOP or AUTH. */
  login?: SaslLogin;
}

const TABLE = authorizationTable<State>((state, login) => {
  state.login = login;
  return 'stop';
});

/** RFC 1939 section 7, RFC 2195 section 2: never the same twice, and not to be guessed. */
function newStamp({ localIp }: Peer): string {
  return `<${randomBytes(12).toString('hex')}.${Math.floor(Date.now() / 1000)}@${localIp ?? 'pop3'}>`;
}

interface Client {
  readonly peer: Peer;
  readonly place: Place | undefined;
}

/** What became of a login. */
type Outcome = 'served' | 'again' | 'away';

/** Serves the client, elsewhere, until it is gone; or says why not, and whether it may try again. */
async function tryLogin(
  gatekeeper: Gatekeeper,
  conn: Conn,
  { peer, place }: Client,
  login: SaslLogin,
): Promise<Outcome> {
  const { link, throttle, names, log } = gatekeeper;
  const attempt = throttle.begin(peer.remoteIp, login.user);
  try {
    if (attempt.wait === undefined) {
      log(`login refused ${describe(peer, login)}`);
      conn.write(ERR.tooManyLogins);
      return 'away';
    }
    await wait(attempt.wait);
    const started = Date.now();
    const localHost = await names.of(peer);
    const { id, verdict } = await link.login({ ...login, ...(localHost && { localHost }) });
    if (verdict === 'ok') {
      attempt.succeeded();
      place?.known();
      await serve(gatekeeper, conn, describe(peer, login), id);
      return 'served';
    }
    // Everything a stranger typed stands behind the address, so that fail2ban can trust the line.
    if (verdict === 'refused') {
      log(`LOGIN FAILED, ip=[${escapeForLog(peer.remoteIp)}], user="${quoted(login.user)}"`);
      await wait(Math.max(0, started + attempt.failed() - Date.now()));
    } else log(`login trouble ${describe(peer, login)}`);
    conn.write(verdict === 'refused' ? ERR.authorizationFailed : ERR.temporary);
    return 'again';
  } finally {
    attempt.undecided();
  }
}

async function serve(
  { link, log }: Gatekeeper,
  conn: Conn,
  who: string,
  id: number,
): Promise<void> {
  const { held, rest, over } = await handOver(conn).catch((error: unknown) => {
    link.drop(id);
    throw error;
  });
  log(`login ${who}${conn.secure ? ' tls' : ''}`);
  const tally = await link.take(id, held, rest).catch(() => undefined);
  await over;
  log(`logout ${who}${tally === undefined ? ' unfinished' : counts(tally)}`);
}

function describe({ remoteIp }: Peer, { user }: SaslLogin): string {
  return `ip=${escapeForLog(remoteIp)} user="${quoted(user)}"`;
}

/** What is encrypted stays here, and another process gets the far end of a tunnel. */
async function handOver(conn: Conn) {
  if (!conn.secure) return { ...(await conn.handOver()), over: undefined };
  await conn.flush();
  const { fd, over } = openTunnel(conn);
  return { held: heldSocketOfFd(fd), rest: Buffer.alloc(0), over };
}

function counts({ retrieved, bytes, deleted }: Tally): string {
  return ` retrieved=${retrieved} bytes=${bytes} deleted=${deleted}`;
}

function quoted(name: string): string {
  return escapeForLog(name).replaceAll('"', '\\x22');
}
