// imapd MAILDIR: one session on descriptors 0 and 1, after imaplogin and a checker, or for whoever runs it (PREAUTH).
// imapd --listen ADDRESS... [MAILDIR]: the whole service, see @q/service's login/parent.ts.

import { Permanent } from '@q/fault';
import { openLog } from '@q/log';
import { type Invocation, mailText } from '@q/proc';
import { DEFAULT_MAILDIR, mailServiceMain } from '@q/service';
import { type Conn, type Peer, serveStdio } from '@q/session';
import { IDLE_SECONDS } from './limits.ts';
import { endLine, endWord, loginLine, whenceOf } from './log-lines.ts';
import { LOGIN_TAG, LOGIN_USER } from './login/variables.ts';
import { endServing, serveClient } from './serve.ts';
import { imapService } from './service.ts';
import { readClientTerms } from './settings.ts';

/** The only exit code but 0: it did not start to serve. */
const EXIT_REFUSED = 1;

export async function imapdMain(invocation: Invocation): Promise<number> {
  const service = mailServiceMain(imapService, invocation, readClientTerms);
  if (service !== undefined) return service;
  const [maildir] = invocation.args;
  return oneShot(invocation, invocation.env.MAILDIR || maildir || DEFAULT_MAILDIR);
}

/** Exit code 0 however the session ends: to imaplogin anything else means that the password was wrong. */
async function oneShot({ env }: Invocation, maildir: string): Promise<number> {
  if (process.getuid?.() === 0)
    throw new Permanent('will not run as root', { exitCode: EXIT_REFUSED });
  return serveStdio(
    async (conn, peer) => {
      conn.idleTimeout = IDLE_SECONDS;
      try {
        await serveOne(conn, peer, maildir);
      } finally {
        await endServing();
      }
      return 0;
    },
    { env },
  );
}

async function serveOne(conn: Conn, peer: Peer, maildir: string): Promise<void> {
  const { env } = peer;
  const log = openLog('imapd');
  const tag = env[LOGIN_TAG] || undefined;
  const user = mailText(
    env.AUTHENTICATED || env[LOGIN_USER] || env.USER || String(process.getuid?.()),
  );
  const from = whenceOf(peer);
  const began = Date.now();
  log(loginLine(user, from, env.IMAP_TLS === '1'));
  const traffic = { headers: 0, body: 0, rcvd: 0, sent: 0 };
  let end: Parameters<typeof endWord>[0] = 'disconnected';
  try {
    end = await serveClient(conn, { user, maildir, tag, env }, log, traffic);
  } finally {
    const seconds = Math.round((Date.now() - began) / 1000);
    log(endLine(endWord(end), user, from, traffic, seconds));
  }
}
