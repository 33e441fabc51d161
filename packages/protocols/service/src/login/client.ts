// A client of the login process, from greeting to end. The process has no rights and knows no passwords; it asks
// the parent, and gives the client away once the parent says yes. The words are the protocol's: mail-service.ts.

import { setTimeout as wait } from 'node:timers/promises';
import { faultOf } from '@q/fault';
import { escapeForLog, type Log } from '@q/log';
import {
  type Conn,
  heldSocketOfFd,
  openTunnel,
  type Peer,
  type Place,
  type Session,
} from '@q/session';
import type { LoginThrottle } from '@q/throttle';
import { stir } from '../rest.ts';
import { ATTEMPTS_MAX, LOGIN_SECONDS } from './limits.ts';
import type { Link } from './link.ts';
import type { LocalNames } from './local-names.ts';
import type {
  LoggedClient,
  LoginDialogue,
  LoginRequest,
  LoginTerms,
  LogLines,
  MailService,
} from './mail-service.ts';
import { CLIENT_VARIABLES, type Env, type Evidence, isClientValue } from './messages.ts';

export interface Gatekeeper {
  readonly link: Link;
  readonly throttle: LoginThrottle;
  readonly names: LocalNames;
  readonly log: Log;
  readonly greet: MailService['greet'];
  readonly terms: LoginTerms;
  readonly lines: LogLines;
  /** The account that a client's certificates name. Throws Permanent where they name none. */
  nameIn(certificates: readonly Buffer[]): string | undefined;
}

/** The session of a login process: it ends when the client is gone, whoever served it last. */
export function meetClients(gatekeeper: Gatekeeper): Session {
  return async (conn: Conn, peer: Peer, place?: Place): Promise<void> => {
    conn.idleTimeout = LOGIN_SECONDS;
    conn.deadline = Date.now() + LOGIN_SECONDS * 1000;
    stir();
    const { log, lines } = gatekeeper;
    if (lines.connected !== undefined) log(lines.connected(peer));
    const admitted = await loggedIn(gatekeeper, conn, peer, place);
    if (admitted !== undefined) await serve(gatekeeper, conn, admitted);
  };
}

/** The client's login; undefined when it has none and is to go. The password and the dialogue do not outlive this. */
async function loggedIn(
  gatekeeper: Gatekeeper,
  conn: Conn,
  peer: Peer,
  place: Place | undefined,
): Promise<Admitted | undefined> {
  const dialogue = gatekeeper.greet(conn, peer, gatekeeper.terms);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const login = await dialogue.next();
    if (login === undefined) return undefined;
    const last = attempt === ATTEMPTS_MAX;
    const outcome = await tryLogin(gatekeeper, { conn, peer, place, dialogue, last }, login);
    if (outcome === 'away') return undefined;
    if (outcome !== 'again') return outcome;
  }
  return undefined;
}

interface Client {
  readonly conn: Conn;
  readonly peer: Peer;
  readonly place: Place | undefined;
  readonly dialogue: LoginDialogue;
  /** It has no other attempt. */
  readonly last: boolean;
}

/** A login that the parent knows by `id`, and that is to be served. */
interface Admitted {
  readonly id: number;
  readonly client: LoggedClient;
  readonly tag: string | undefined;
}

/** What became of a login. */
type Outcome = Admitted | 'again' | 'away';

/** Has a login judged; when it is refused, says why, and whether the client may try again. */
async function tryLogin(
  gatekeeper: Gatekeeper,
  { conn, peer, place, dialogue, last }: Client,
  login: LoginRequest,
): Promise<Outcome> {
  const { link, throttle, names, log, lines } = gatekeeper;
  const user = login.external ? externalUser(gatekeeper, conn, login) : login.user;
  const logged: LoggedClient = {
    peer,
    user,
    secure: conn.secure,
    external: login.external === true,
  };
  const outcome = await throttle.inTurn(peer.remoteIp, user, async (turn): Promise<Outcome> => {
    const started = Date.now();
    const client = clientEnvironment(peer, await names.of(peer));
    const evidence = evidenceOf(login, conn);
    const { id, verdict, proof } = await link.login({ user, client, ...evidence });
    if (verdict === 'ok') {
      turn.succeeded();
      if (login.mutual && !(await isContent(link, id, dialogue.confirm?.(proof, last))))
        return 'again';
      place?.known();
      return { id, client: logged, tag: login.tag };
    }
    if (verdict === 'refused') {
      log(lines.failed(logged));
      await wait(Math.max(0, started + turn.failed() - Date.now()));
    } else log(lines.trouble(logged, 'temporary'));
    dialogue.refuse(verdict === 'refused' ? 'failed' : 'temporary', last);
    return 'again';
  });
  if (outcome !== 'too many') return outcome;
  log(lines.trouble(logged, 'too many'));
  dialogue.refuse('too many', true);
  return 'away';
}

/** Whom a login by certificate is for. The parent asks the certificate itself; this is for the log and for who counts failures. */
function externalUser({ nameIn, log }: Gatekeeper, conn: Conn, { user }: LoginRequest): string {
  if (user !== '') return user;
  try {
    return nameIn(conn.certificates) ?? '';
  } catch (error) {
    log(`warning: ${escapeForLog(faultOf(error, 'bad certificate').message)}`);
    return '';
  }
}

function evidenceOf({ external, password, stamp }: LoginRequest, conn: Conn): Evidence {
  if (!external) return { password, ...(stamp && { stamp }) };
  return { certificates: conn.certificates.map((each) => each.toString('base64')) };
}

/** True when the client takes our own proof; a login that it does not want, or that it is gone from, is forgotten. */
async function isContent(
  link: Link,
  id: number,
  confirmed: Promise<boolean> | undefined,
): Promise<boolean> {
  let content: boolean | undefined;
  try {
    content = await confirmed;
  } finally {
    if (content !== true) link.drop(id);
  }
  return content === true;
}

async function serve(
  { link, log, lines }: Gatekeeper,
  conn: Conn,
  { id, client, tag }: Admitted,
): Promise<void> {
  const { held, rest, over } = await handOver(conn).catch((error: unknown) => {
    link.drop(id);
    throw error;
  });
  log(lines.login(client));
  const began = Date.now();
  const counts = await link
    .take(id, held, { rest, tag, secure: client.secure })
    .catch(() => undefined);
  await over;
  stir();
  log(lines.logout(client, counts, Math.round((Date.now() - began) / 1000)));
}

/** What is encrypted stays here, and another process gets the far end of a tunnel. */
async function handOver(conn: Conn) {
  if (!conn.secure) return { ...(await conn.handOver()), over: undefined };
  await conn.flush();
  const { fd, over } = openTunnel(conn);
  return { held: heldSocketOfFd(fd), rest: Buffer.alloc(0), over };
}

/** What the parent and its hooks are told of the client; what no environment should hold is left out. */
function clientEnvironment({ env }: Peer, localHost: string | undefined): Env {
  const known: Readonly<Record<string, string | undefined>> = { ...env, TCPLOCALHOST: localHost };
  const found = CLIENT_VARIABLES.map((name) => [name, known[name]] as const);
  return Object.fromEntries(
    found.filter((pair): pair is readonly [(typeof pair)[0], string] => isClientValue(pair[1])),
  );
}
