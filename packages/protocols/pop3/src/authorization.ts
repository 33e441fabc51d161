// The commands of the AUTHORIZATION state: RFC 1939 section 4, RFC 2449 (CAPA), RFC 2595 (STLS), RFC 5034
// (AUTH), RFC 6856 (UTF8). What becomes of a name and its password is the caller's business.

import type { Mechanism, SaslLogin } from '@q/sasl';
import type { Conn, Peer, Secure } from '@q/session';
import { auth } from './auth.ts';
import { CAPABILITIES, capabilityList, ERR, OK, ok } from './replies.ts';
import { type Row, type Step, say } from './serve.ts';

/** What is known of a client that has not logged in. */
export interface Authorizing {
  readonly conn: Conn;
  /** After USER. */
  user?: string;
  /** What STLS is done with; undefined where there is no certificate. Throws when it cannot be used. */
  readonly tls?: (() => Secure) | undefined;
  /** No password in clear over a connection that is not encrypted. */
  readonly needsTls?: boolean;
  /** What APOP and CRAM-MD5 digests are made with, `<...>`; undefined where neither is known. */
  readonly stamp?: string | undefined;
  /** CRAM-MD5 is offered. Clients prefer it to everything else, so only where it can work. */
  readonly cramMd5?: boolean;
  /** Logins by certificate are taken, of clients that have shown one. */
  readonly external?: boolean;
}

/** Takes a login, name and password not empty, but for EXTERNAL's. It answers the client, now or later. */
export type Submit<State> = (state: State, login: SaslLogin) => Step;

/** The table for serveCommands(). */
export function authorizationTable<State extends Authorizing>(
  submit: Submit<State>,
): readonly Row<State>[] {
  return [
    { verb: 'USER', run: user },
    { verb: 'PASS', run: (state, password) => pass(submit, state, password) },
    { verb: 'AUTH', run: (state, argument) => authenticate(submit, state, argument) },
    { verb: 'APOP', run: (state, argument) => apop(submit, state, argument) },
    { verb: 'STLS', run: startTls },
    { verb: 'QUIT', run: ({ conn }) => say(conn, OK, 'stop') },
    { verb: 'NOOP', run: ({ conn }) => say(conn, OK) },
    { verb: 'UTF8', run: ({ conn }, argument) => utf8(conn, argument) },
    { verb: 'CAPA', run: (state) => say(state.conn, capabilityList(capabilities(state))) },
    { verb: '', run: ({ conn }) => say(conn, ERR.authorizationFirst, 'bad') },
  ];
}

/**
 * True when this client must encrypt its connection before it shows a password: what POP3_TLS_REQUIRED in its
 * environment says (1 or 0, which rules can set for a network), else `standard`. Nobody listens on loopback.
 */
export function tlsRequired({ env, remoteIp }: Peer, standard = false): boolean {
  if (/^(127\.|::1$)/.test(remoteIp)) return false;
  const word = env.POP3_TLS_REQUIRED;
  return word === undefined || word === '' ? standard : word !== '0';
}

function capabilities(state: Authorizing): readonly string[] {
  const mechanisms = offered(state);
  return [
    ...(mayShowPassword(state) ? ['USER'] : []),
    ...(mechanisms.length > 0 ? [`SASL ${mechanisms.join(' ')}`] : []),
    ...(canStartTls(state) ? ['STLS'] : []),
    ...CAPABILITIES,
  ];
}

function offered(state: Authorizing): readonly Mechanism[] {
  return [
    ...(state.external && state.conn.certificates.length > 0 ? (['EXTERNAL'] as const) : []),
    ...(mayShowPassword(state) ? (['PLAIN', 'LOGIN'] as const) : []),
    ...(state.stamp !== undefined && state.cramMd5 === true ? (['CRAM-MD5'] as const) : []),
  ];
}

function mayShowPassword({ conn, needsTls }: Authorizing): boolean {
  return conn.secure || needsTls !== true;
}

function canStartTls({ conn, tls }: Authorizing): boolean {
  return tls !== undefined && !conn.secure;
}

function user(state: Authorizing, name: string): Step {
  if (!mayShowPassword(state)) return say(state.conn, ERR.tlsFirst, 'bad');
  if (name === '') return say(state.conn, ERR.syntax, 'bad');
  state.user = name;
  return say(state.conn, OK);
}

function pass<State extends Authorizing>(
  submit: Submit<State>,
  state: State,
  password: string,
): Step {
  if (!mayShowPassword(state)) return say(state.conn, ERR.tlsFirst, 'bad');
  if (state.user === undefined) return say(state.conn, ERR.userFirst, 'bad');
  if (password === '') return say(state.conn, ERR.syntax, 'bad');
  return submit(state, { user: state.user, password });
}

/** APOP NAME DIGEST: the digest travels as the password, with the stamp it was made from. */
function apop<State extends Authorizing>(
  submit: Submit<State>,
  state: State,
  argument: string,
): Step {
  const { conn, stamp } = state;
  if (stamp === undefined) return say(conn, ERR.authorizationFirst, 'bad');
  const space = argument.indexOf(' ');
  const password = argument.slice(space + 1);
  if (space <= 0 || password === '') return say(conn, ERR.syntax, 'bad');
  return submit(state, { user: argument.slice(0, space), password, stamp });
}

async function authenticate<State extends Authorizing>(
  submit: Submit<State>,
  state: State,
  argument: string,
): Promise<Step> {
  const login = await auth(state.conn, argument, offered(state), state.stamp ?? '');
  if (typeof login === 'string')
    return say(state.conn, login, login.startsWith('+') ? 'next' : 'bad');
  return submit(state, login);
}

/** RFC 2595 section 4: whatever was said before, the client begins anew. */
async function startTls(state: Authorizing, argument: string): Promise<Step> {
  const { conn } = state;
  if (argument !== '') return say(conn, ERR.syntax, 'bad');
  if (state.tls === undefined) return say(conn, ERR.noTls, 'bad');
  if (conn.secure) return say(conn, ERR.tlsAlready, 'bad');
  let secure: Secure;
  try {
    secure = state.tls();
  } catch {
    return say(conn, ERR.temporary);
  }
  conn.write(ok('begin TLS'));
  await conn.upgrade(secure);
  delete state.user;
  return 'next';
}

/** Messages and names are bytes to us, with UTF8 and without. */
function utf8(conn: Conn, argument: string): Step {
  return argument === '' ? say(conn, OK) : say(conn, ERR.syntax, 'bad');
}
