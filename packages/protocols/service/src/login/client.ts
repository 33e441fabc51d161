// A client of the login process, from greeting to end. The process has no rights and knows no passwords; it asks
// the parent, and gives the client away once the parent says yes. The words are the protocol's: mail-service.ts.

import { setTimeout as wait } from 'node:timers/promises';
import { escapeForLog, type Log, quoteForLog } from '@q/log';
import {
  type Conn,
  heldSocketOfFd,
  openTunnel,
  type Peer,
  type Place,
  type Session,
} from '@q/session';
import type { LoginThrottle } from '@q/throttle';
import { ATTEMPTS_MAX, LOGIN_SECONDS } from './limits.ts';
import type { Link } from './link.ts';
import type { LocalNames } from './local-names.ts';
import type {
  Counts,
  LoginDialogue,
  LoginRequest,
  LoginTerms,
  MailService,
} from './mail-service.ts';
import { CLIENT_VARIABLES, type Env, isClientValue } from './messages.ts';

export interface Gatekeeper {
  readonly link: Link;
  readonly throttle: LoginThrottle;
  readonly names: LocalNames;
  readonly log: Log;
  readonly greet: MailService['greet'];
  readonly terms: LoginTerms;
}

/** The session of a login process: it ends when the client is gone, whoever served it last. */
export function meetClients(gatekeeper: Gatekeeper): Session {
  return async (conn: Conn, peer: Peer, place?: Place): Promise<void> => {
    conn.idleTimeout = LOGIN_SECONDS;
    conn.deadline = Date.now() + LOGIN_SECONDS * 1000;
    const dialogue = gatekeeper.greet(conn, peer, gatekeeper.terms);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const login = await dialogue.next();
      if (login === undefined) return;
      const outcome = await tryLogin(gatekeeper, { conn, peer, place, dialogue }, login);
      if (outcome !== 'again') return;
    }
  };
}

interface Client {
  readonly conn: Conn;
  readonly peer: Peer;
  readonly place: Place | undefined;
  readonly dialogue: LoginDialogue;
}

/** What became of a login. */
type Outcome = 'served' | 'again' | 'away';

/** Serves the client, elsewhere, until it is gone; or says why not, and whether it may try again. */
async function tryLogin(
  gatekeeper: Gatekeeper,
  { conn, peer, place, dialogue }: Client,
  login: LoginRequest,
): Promise<Outcome> {
  const { link, throttle, names, log } = gatekeeper;
  const attempt = throttle.begin(peer.remoteIp, login.user);
  try {
    if (attempt.wait === undefined) {
      log(`login refused ${describe(peer, login)}`);
      dialogue.refuse('too many');
      return 'away';
    }
    await wait(attempt.wait);
    const started = Date.now();
    const { user, password, stamp } = login;
    const client = clientEnvironment(peer, await names.of(peer));
    const { id, verdict } = await link.login({ user, password, ...(stamp && { stamp }), client });
    if (verdict === 'ok') {
      attempt.succeeded();
      place?.known();
      await serve(gatekeeper, conn, describe(peer, login), id, login.tag);
      return 'served';
    }
    // Everything a stranger typed stands behind the address, so that fail2ban can trust the line.
    if (verdict === 'refused') {
      log(`LOGIN FAILED, ip=[${escapeForLog(peer.remoteIp)}], user="${quoteForLog(login.user)}"`);
      await wait(Math.max(0, started + attempt.failed() - Date.now()));
    } else log(`login trouble ${describe(peer, login)}`);
    dialogue.refuse(verdict === 'refused' ? 'failed' : 'temporary');
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
  tag: string | undefined,
): Promise<void> {
  const { held, rest, over } = await handOver(conn).catch((error: unknown) => {
    link.drop(id);
    throw error;
  });
  log(`login ${who}${conn.secure ? ' tls' : ''}`);
  const counts = await link.take(id, held, rest, tag).catch(() => undefined);
  await over;
  log(`logout ${who}${counts === undefined ? ' unfinished' : wordsOf(counts)}`);
}

function describe({ remoteIp }: Peer, { user }: LoginRequest): string {
  return `ip=${escapeForLog(remoteIp)} user="${quoteForLog(user)}"`;
}

/** What is encrypted stays here, and another process gets the far end of a tunnel. */
async function handOver(conn: Conn) {
  if (!conn.secure) return { ...(await conn.handOver()), over: undefined };
  await conn.flush();
  const { fd, over } = openTunnel(conn);
  return { held: heldSocketOfFd(fd), rest: Buffer.alloc(0), over };
}

function wordsOf(counts: Counts): string {
  return Object.entries(counts)
    .map(([name, count]) => ` ${name}=${count}`)
    .join('');
}

/** What the parent and its hooks are told of the client; what no environment should hold is left out. */
function clientEnvironment({ env }: Peer, localHost: string | undefined): Env {
  const known: Readonly<Record<string, string | undefined>> = { ...env, TCPLOCALHOST: localHost };
  const found = CLIENT_VARIABLES.map((name) => [name, known[name]] as const);
  return Object.fromEntries(
    found.filter((pair): pair is readonly [(typeof pair)[0], string] => isClientValue(pair[1])),
  );
}
