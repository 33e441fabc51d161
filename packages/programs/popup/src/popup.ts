// qmail-popup HOST SUBPROGRAM [ARG...]: the POP3 AUTHORIZATION state, qmail-popup(8), RFC 1939 section 4.
//
// It knows no passwords. What the client says goes to SUBPROGRAM on descriptor 3 (checkpassword's
// interface), which runs the rest of the session on our descriptors 0 and 1; so no byte is read beyond
// the PASS line, and clients may pipeline. One attempt a connection.

import { EXIT_MISUSED, EXIT_TEMPORARY, encodeCredentials, runChecker } from '@q/checkpassword';
import { escapeForLog, type Log, openLog } from '@q/log';
import {
  type Authorizing,
  authorizationTable,
  ERR,
  ok,
  type Step,
  say,
  serveCommands,
} from '@q/pop3';
import type { Exit, Invocation } from '@q/proc';
import { type Peer, serveStdio } from '@q/session';
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
      const state: State = { conn, stamp };
      conn.idleTimeout = IDLE_SECONDS;
      conn.deadline = Date.now() + LOGIN_SECONDS * 1000;
      conn.write(ok(stamp));
      const end = await serveCommands(conn, TABLE, state);
      if (state.login === undefined) return end === 'stop' ? EXIT_DONE : EXIT_NO_LOGIN;
      // From here on the descriptors are the subprogram's.
      await conn.flush();
      conn.release();
      const request = { argv: argv as [string, ...string[]], env: { ...peer.env } };
      const verdict = await runChecker({ ...request, credentials: state.login.credentials })
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

interface State extends Authorizing {
  /** Part of the greeting; what an APOP digest is made with. */
  readonly stamp: string;
  /** After PASS or APOP. */
  login?: { readonly user: string; readonly credentials: Buffer };
}

const TABLE = authorizationTable<State>(submit, [{ verb: 'APOP', run: apop }]);

/** APOP NAME DIGEST: the digest travels as the password; a checker that knows APOP has the stamp too. */
function apop(state: State, argument: string): Step {
  const space = argument.indexOf(' ');
  if (space <= 0) return say(state.conn, ERR.syntax, 'bad');
  return submit(state, argument.slice(0, space), argument.slice(space + 1));
}

function submit(state: State, name: string, password: string): Step {
  const credentials = encodeCredentials({ user: name, password, stamp: state.stamp });
  if (credentials === undefined) return say(state.conn, ERR.syntax, 'bad');
  state.login = { user: name, credentials };
  return 'stop';
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
  const kind = verdict === ERR.authorizationFailed ? 'login failed' : 'login trouble';
  const quoted = escapeForLog(name).replaceAll('"', '\\x22');
  log(`${kind} ip=${escapeForLog(peer.remoteIp)} user="${quoted}"`);
}
