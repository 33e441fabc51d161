// imaplogin HOST SUBPROGRAM [ARG...]: what IMAP has before login, imaplogin(8). It knows no passwords.
// imaplogin MODULE [MODULE...] IMAPD [ARG...]: the same as the head of Courier's chain of modules, see chain.ts.
//
//   checkpassword   SUBPROGRAM gets name, password and stamp on descriptor 3, and becomes the rest of the session when they
//                   are right. We wait for its end; exit code 1 is a wrong password.
//   chain           we become MODULE, which becomes the rest of the session, or imaplogin again.
//
// Not a byte is read beyond the command that logs in, so what a client pipelines is there for imapd. After a login that failed
// a fresh imaplogin goes on with the connection: descriptors that a child had are no good to who shared them. After STARTTLS
// this process stays between the client and the rest, which get one end of a socket pair.

import { closeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { EXIT_MISUSED, EXIT_TEMPORARY, encodeCredentials, runChecker } from '@q/checkpassword';
import { qmailHome } from '@q/control';
import { faultOf } from '@q/fault';
import { type Log, openLog } from '@q/log';
import { execve, findProgram } from '@q/posix';
import { argText, type Exit, type Invocation, mailText } from '@q/proc';
import { type Conn, openTunnel, type Peer, serveStdio } from '@q/session';
import { startTlsOf } from '@q/tls';
import { FAILED_WAIT, LOGIN_SECONDS, TRIES_MAX } from '../limits.ts';
import { connectionLine, failedLine, troubleLine, whenceOf } from '../log-lines.ts';
import { readClientTerms } from '../settings.ts';
import { becomeModule, encodeRequest, isModule, returnAddress, runModule } from './chain.ts';
import { ImapDialogue, type SubmittedLogin } from './dialogue.ts';
import { newStamp, tlsRequired } from './terms.ts';
import { LOGIN_TAG, LOGIN_TRIES, LOGIN_USER } from './variables.ts';

const EXIT_DONE = 0;
const EXIT_NO_LOGIN = 1;

/** What became of a login: a session, or why there was none. */
type Outcome = 'served' | 'failed' | 'temporary';

interface Client {
  readonly invocation: Invocation;
  readonly conn: Conn;
  readonly peer: Peer;
  readonly log: Log;
  /** Logins that have failed on this connection. */
  readonly tries: number;
}

/** Exit code 0 when the client logged in, or left by LOGOUT; 1 otherwise. */
export async function imaploginMain(invocation: Invocation): Promise<number> {
  const log = openLog('imaplogin');
  return serveStdio(
    (conn, peer) => {
      conn.idleTimeout = LOGIN_SECONDS;
      conn.deadline = Date.now() + LOGIN_SECONDS * 1000;
      const tries = Number(peer.env[LOGIN_TRIES] ?? '0') || 0;
      return serve({ invocation, conn, peer, log, tries });
    },
    { env: invocation.env, greedy: false },
  );
}

async function serve(client: Client): Promise<number> {
  const { conn, peer, log, tries } = client;
  const dialogue = dialogueWith(client);
  if (tries === 0) {
    log(connectionLine(whenceOf(peer)));
    dialogue.greet();
  } else if (!(await sayFailed(client, dialogue))) return EXIT_NO_LOGIN;
  const login = await dialogue.next();
  if (login === undefined) return EXIT_DONE;
  const outcome = await logIn(client, login).catch((error: unknown): Outcome => {
    log(`warning: ${faultOf(error, 'unable to log in').message}`);
    return 'temporary';
  });
  if (outcome === 'served') return EXIT_DONE;
  if (outcome === 'failed' && !conn.secure) again(client, login);
  if (outcome === 'failed') log(failedLine(login.user, whenceOf(peer)));
  else log(troubleLine(login.user, whenceOf(peer), 'temporary'));
  dialogue.refuse(outcome, true);
  return EXIT_NO_LOGIN;
}

function dialogueWith({ invocation, conn, peer, log }: Client): ImapDialogue {
  // Courier's setting. Few checkers know CRAM-MD5, and clients prefer it to what all know.
  const cramMd5 = peer.env.IMAP_CAPABILITY?.includes('AUTH=CRAM-MD5') === true;
  return new ImapDialogue(conn, {
    tls: startTlsOf(qmailHome(invocation.env), log, () => readClientTerms(peer.env)),
    needsTls: tlsRequired(peer),
    wrapped: peer.env.IMAP_TLS === '1',
    mechanisms: cramMd5 && !isModule(invocation.args[0] ?? '') ? ['CRAM-MD5'] : [],
    newStamp: () => newStamp(peer),
  });
}

/** What the last imaplogin left to us: its login failed. False when that was one too many. */
async function sayFailed({ peer, log, tries }: Client, dialogue: ImapDialogue): Promise<boolean> {
  log(failedLine(mailText(peer.env[LOGIN_USER] ?? ''), whenceOf(peer)));
  await wait(FAILED_WAIT * tries);
  const last = tries >= TRIES_MAX;
  dialogue.refuse('failed', last, peer.env[LOGIN_TAG]);
  return !last;
}

/** From here on the client's descriptors, or what stands for them, are somebody else's. */
async function logIn(client: Client, login: SubmittedLogin): Promise<Outcome> {
  const { invocation, conn } = client;
  const [first = '', ...rest] = invocation.args;
  const chained = isModule(first);
  const argv = (chained ? invocation.args : rest) as unknown as [string, ...string[]];
  const env = environmentFor(client, login);
  const bytes = chained ? encodeRequest(login) : encodeCredentials({ stamp: '', ...login });
  if (bytes === undefined || env === undefined) return 'failed';
  if (conn.secure) return throughTunnel(conn, argv, env, bytes, chained);
  if (chained) {
    const all: NodeJS.ProcessEnv = {
      ...env,
      ...returnAddress(invocation.program, invocation.args),
    };
    const program = findProgram(argv[0], all.PATH);
    // All that was said must be out: this process will be another one.
    await conn.close();
    becomeModule(program, argv, all, bytes);
  }
  await conn.flush();
  conn.release();
  return outcomeOf(await runChecker({ argv, env, credentials: bytes }));
}

async function throughTunnel(
  conn: Conn,
  argv: [string, ...string[]],
  env: NodeJS.ProcessEnv,
  bytes: Buffer,
  chained: boolean,
): Promise<Outcome> {
  await conn.flush();
  const { fd, over } = openTunnel(conn);
  let open = true;
  const started = () => {
    if (open) closeSync(fd);
    open = false;
  };
  try {
    // The end of a chain is imaplogin, which tells the client itself.
    if (chained) {
      await runModule(argv, env, bytes, fd, started);
      return 'served';
    }
    const stdio = [fd, fd, 2] as const;
    return outcomeOf(await runChecker({ argv, env, credentials: bytes, stdio, started }));
  } finally {
    started();
    await over;
  }
}

/** What whoever comes after us is told; undefined for a name that no environment can hold, which is nobody's. */
function environmentFor(
  { peer, conn, tries }: Client,
  { user, tag }: SubmittedLogin,
): NodeJS.ProcessEnv | undefined {
  try {
    return {
      ...peer.env,
      [LOGIN_TAG]: tag,
      [LOGIN_USER]: argText(user),
      [LOGIN_TRIES]: String(tries + 1),
      PROTOCOL: 'IMAP',
      ...(conn.secure && { IMAP_TLS: '1' }),
    };
  } catch {
    return undefined;
  }
}

/** A checker's own trouble is not the user's wrong password: a client that hears of one forgets what it had stored. */
function outcomeOf(exit: Exit): Outcome {
  if ('signal' in exit) return 'temporary';
  if (exit.code === 0) return 'served';
  return exit.code === EXIT_TEMPORARY || exit.code === EXIT_MISUSED ? 'temporary' : 'failed';
}

/** Becomes a fresh imaplogin, which says that the login failed. Returns when that cannot be done. */
function again(client: Client, login: SubmittedLogin): void {
  const { invocation, log } = client;
  const known = { ...login, user: environmentFor(client, login) === undefined ? '?' : login.user };
  const env = environmentFor(client, known) ?? {};
  try {
    execve(invocation.program, [invocation.program, ...invocation.args], env);
  } catch (error) {
    log(`warning: ${faultOf(error, 'unable to start again').message}`);
  }
}
