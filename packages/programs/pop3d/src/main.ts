// qmail-pop3d MAILDIR: one session on descriptors 0 and 1, after qmail-popup and a checker.
// qmail-pop3d --listen ADDRESS... [MAILDIR]: the whole service, see @q/service's login/parent.ts.

import { Permanent } from '@q/fault';
import type { Invocation } from '@q/proc';
import { mailServiceMain } from '@q/service';
import { Disconnected, serveStdio, Timeout } from '@q/session';
import { clientTermsOf } from '@q/tls';
import { IDLE_SECONDS } from './limits.ts';
import { popService } from './service.ts';
import { newTally, serveMailbox } from './session.ts';

/** qmail-pop3d's only exit code but 0: it did not start to serve. */
const EXIT_REFUSED = 1;

export async function pop3dMain(invocation: Invocation): Promise<number> {
  const service = mailServiceMain(popService, invocation, (env) =>
    clientTermsOf((name) => env[name]),
  );
  if (service !== undefined) return service;
  const [maildir] = invocation.args;
  if (maildir === undefined) throw new Permanent('no maildir given', { exitCode: EXIT_REFUSED });
  return oneShot(invocation, maildir);
}

/**
 * Exit code 0 however the session ends: to qmail-popup anything else means that the password was
 * wrong, and it would tell the client so.
 */
async function oneShot({ env }: Invocation, maildir: string): Promise<number> {
  if (process.getuid?.() === 0)
    throw new Permanent('will not run as root', { exitCode: EXIT_REFUSED });
  return serveStdio(
    async (conn) => {
      conn.idleTimeout = IDLE_SECONDS;
      try {
        await serveMailbox(conn, maildir, newTally());
      } catch (error) {
        if (!(error instanceof Timeout || error instanceof Disconnected)) throw error;
      }
      return 0;
    },
    { env },
  );
}
