// qmail-popup HOST SUBPROGRAM [ARG...]: the POP3 AUTHORIZATION state, qmail-popup(8), RFC 1939 section 4.
//
// It knows no passwords. What the client says goes to SUBPROGRAM on descriptor 3 (checkpassword's
// interface), which runs the rest of the session on our descriptors 0 and 1; so no byte is read beyond
// the PASS line, and clients may pipeline. One attempt a connection.
//
// After STLS (RFC 2595) this process stays between the client and SUBPROGRAM, which gets a socket pair's end.

import { closeSync } from 'node:fs';
import { EXIT_MISUSED, EXIT_TEMPORARY, encodeCredentials, runChecker } from '@q/checkpassword';
import { qmailHome } from '@q/control';
import { escapeForLog, type Log, openLog, quoteForLog } from '@q/log';
import {
  type Authorizing,
  authorizationTable,
  ERR,
  ok,
  type Step,
  say,
  serveCommands,
  tlsRequired,
} from '@q/pop3';
import type { Exit, Invocation } from '@q/proc';
import type { SaslLogin } from '@q/sasl';
import { type Conn, openTunnel, type Peer, serveStdio } from '@q/session';
import { startTlsOf } from '@q/tls';
import { IDLE_SECONDS, LOGIN_SECONDS } from './limits.ts';

const EXIT_DONE = 0;
const EXIT_NO_LOGIN = 1;

/** Exit code 0 when the client logged in, or left by QUIT; 1 otherwise. */
export async function popupMain(invocation: Invocation): Promise<number> {
  const [host = '', ...argv] = invocation.args;
  const log = openLog('qmail-popup');
  return serveStdio(
    async (conn, peer) => {
      const stamp = `<${process.pid}.${Math.floor(Date.now() / 1000)}@${host}>`;
      const tls = startTlsOf(qmailHome(invocation.env), log);
      // Courier's setting. Few checkers know CRAM-MD5, and clients prefer it to what all know.
      const cramMd5 = peer.env.POP3AUTH?.split(/\s+/).includes('CRAM-MD5') === true;
      const state: State = { conn, stamp, cramMd5, tls, needsTls: tlsRequired(peer) };
      conn.idleTimeout = IDLE_SECONDS;
      conn.deadline = Date.now() + LOGIN_SECONDS * 1000;
      conn.write(ok(stamp));
      const end = await serveCommands(conn, TABLE, state);
      if (state.login === undefined) return end === 'stop' ? EXIT_DONE : EXIT_NO_LOGIN;
      const verdict = await runSubprogram(conn, argv as [string, ...string[]], peer, state.login)
        .then(verdictOf)
        .catch((error: Error) => {
          log(`warning: ${error.message}`);
          return ERR.unableToFork;
        });
      if (verdict === undefined) return EXIT_DONE;
      logFailure(log, peer, state.login.user, verdict);
      conn.write(verdict);
      return EXIT_NO_LOGIN;
    },
    { env: invocation.env, greedy: false },
  );
}

interface SubmittedLogin {
  readonly user: string;
  readonly credentials: Buffer;
}

interface State extends Authorizing {
  /** Part of the greeting; what an APOP digest is made with. */
  readonly stamp: string;
  /** After PASS, APOP or AUTH. */
  login?: SubmittedLogin;
}

const TABLE = authorizationTable<State>(submit);

/** The subprogram gets the stamp with every login, as from qmail. */
function submit(state: State, { user, password }: SaslLogin): Step {
  const credentials = encodeCredentials({ user, password, stamp: state.stamp });
  if (credentials === undefined) return say(state.conn, ERR.syntax, 'bad');
  state.login = { user, credentials };
  return 'stop';
}

/** From here on the client's descriptors, or what stands for them, are the subprogram's. */
async function runSubprogram(
  conn: Conn,
  argv: readonly [string, ...string[]],
  peer: Peer,
  { credentials }: SubmittedLogin,
): Promise<Exit> {
  await conn.flush();
  if (!conn.secure) {
    conn.release();
    return runChecker({ argv, env: { ...peer.env }, credentials });
  }
  const { fd, over } = openTunnel(conn);
  let open = true;
  const started = () => {
    if (open) closeSync(fd);
    open = false;
  };
  try {
    // Courier's word for it.
    const env = { ...peer.env, POP3_TLS: '1' };
    return await runChecker({ argv, env, credentials, stdio: [fd, fd, 2], started });
  } finally {
    started();
    await over;
  }
}

/**
 * What the client is told after the subprogram's end; nothing after a session. A checker's own trouble
 * is not the user's wrong password: a client that hears of one forgets what it had stored.
 */
function verdictOf(exit: Exit): string | undefined {
  if ('signal' in exit) return ERR.childCrashed;
  if (exit.code === 0) return undefined;
  return exit.code === EXIT_TEMPORARY || exit.code === EXIT_MISUSED
    ? ERR.temporary
    : ERR.authorizationFailed;
}

/** One line for fail2ban; the address comes first, where nothing a stranger typed stands before it. */
function logFailure(log: Log, peer: Peer, name: string, verdict: string): void {
  const user = `user="${quoteForLog(name)}"`;
  const ip = escapeForLog(peer.remoteIp);
  if (verdict === ERR.authorizationFailed) log(`LOGIN FAILED, ip=[${ip}], ${user}`);
  else log(`login trouble ip=${ip} ${user}`);
}
