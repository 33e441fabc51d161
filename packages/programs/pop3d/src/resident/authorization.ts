// The AUTHORIZATION state in the login process: RFC 1939 section 4. It has no rights and knows no
// passwords; it asks the parent, and gives the client away once the parent says yes.
//
// The greeting has no APOP stamp: virtual users' passwords are stored hashed, so APOP could never work, and
// clients (curl) try it first wherever they see a stamp.

import { setTimeout as wait } from 'node:timers/promises';
import { escapeForLog, type Log } from '@q/log';
import { type Authorizing, authorizationTable, ERR, ok, serveCommands } from '@q/pop3';
import { type Conn, networkOf, type Peer, type Session } from '@q/session';
import type { Tally } from '../session.ts';
import { ATTEMPTS_MAX, LOGIN_SECONDS } from './limits.ts';
import type { Link } from './link.ts';
import type { LocalNames } from './local-names.ts';
import type { Penalties } from './penalties.ts';

export interface Gatekeeper {
  readonly link: Link;
  readonly penalties: Penalties;
  readonly names: LocalNames;
  readonly log: Log;
}

/** The session of a login process: it ends when the client is gone, whoever served it last. */
export function authorization(gatekeeper: Gatekeeper): Session {
  return async (conn: Conn, peer: Peer): Promise<void> => {
    conn.idleTimeout = LOGIN_SECONDS;
    conn.deadline = Date.now() + LOGIN_SECONDS * 1000;
    conn.write(ok('POP3 server ready'));
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const state: State = { conn };
      await serveCommands(conn, TABLE, state);
      if (state.login === undefined) return;
      if (await tryLogin(gatekeeper, conn, peer, state.login)) return;
    }
  };
}

interface Login {
  readonly user: string;
  readonly password: string;
}

interface State extends Authorizing {
  /** After PASS. */
  login?: Login;
}

const TABLE = authorizationTable<State>((state, user, password) => {
  state.login = { user, password };
  return 'stop';
});

/** True when the client was served, elsewhere, and is gone. */
async function tryLogin(
  { link, penalties, names, log }: Gatekeeper,
  conn: Conn,
  peer: Peer,
  login: Login,
): Promise<boolean> {
  const started = Date.now();
  const who = `ip=${escapeForLog(peer.remoteIp)} user="${quoted(login.user)}"`;
  const localHost = await names.of(peer);
  const { id, verdict } = await link.login({ ...login, ...(localHost && { localHost }) });
  if (verdict === 'ok') {
    const { held, rest } = await conn.handOver().catch((error: unknown) => {
      link.drop(id);
      throw error;
    });
    log(`login ${who}`);
    const tally = await link.take(id, held, rest).catch(() => undefined);
    log(`logout ${who}${tally === undefined ? ' unfinished' : counts(tally)}`);
    return true;
  }
  // Everything a stranger typed stands behind the address, so that fail2ban can trust the line.
  log(`${verdict === 'refused' ? 'login failed' : 'login trouble'} ${who}`);
  if (verdict === 'refused') {
    const due = started + penalties.failed(networkOf(peer.remoteIp));
    await wait(Math.max(0, due - Date.now()));
  }
  conn.write(verdict === 'refused' ? ERR.authorizationFailed : ERR.temporary);
  return false;
}

function counts({ retrieved, bytes, deleted }: Tally): string {
  return ` retrieved=${retrieved} bytes=${bytes} deleted=${deleted}`;
}

function quoted(name: string): string {
  return escapeForLog(name).replaceAll('"', '\\x22');
}
