// authvmailmgr-pipe: the program at the other end of authdaemond's authpipe module. authvmailmgr-pipe(8).
//
// One request after the other on descriptor 0, replies on 1, until authdaemond closes. It is root's on a
// real host, as authdaemond is; tables are read by workers, as in vmail-authd.

import { bytesOf } from '@q/bytes';
import { qmailHome } from '@q/control';
import { faultOf } from '@q/fault';
import { escapeForLog, openLog } from '@q/log';
import { type Invocation, pathOnly } from '@q/proc';
import { isServiceChild, WorkerPool } from '@q/service';
import { type Conn, serveStdio } from '@q/session';
import { requestServiceChild } from '../service/parent.ts';
import { answerAuth } from './answer.ts';
import { readAuthRequest } from './request.ts';
import { authService } from './service.ts';

const NAME = 'authvmailmgr-pipe';
const EXIT_TEMPORARY = 111;

/**
 * Exit code 0 at the end of input. 111 after a request that has no answer now: authdaemond then tells its
 * client to try again, and starts a new one of us.
 */
export async function vmailPipeMain(invocation: Invocation): Promise<number> {
  const service = authService(NAME);
  if (isServiceChild()) return requestServiceChild(service, invocation);
  const { program, env } = invocation;
  const log = openLog(NAME);
  const childEnv = { ...pathOnly(env), QMAILHOME: qmailHome(env) };
  const workers = new WorkerPool({ program, env: childEnv });
  try {
    return await serveStdio(
      async (conn: Conn) => {
        conn.idleTimeout = Number.POSITIVE_INFINITY;
        for (;;) {
          const request = await readAuthRequest(conn);
          if (request === undefined) return 0;
          conn.write(bytesOf(await answerAuth(request, { env: childEnv, workers, log })));
          await conn.flush();
        }
      },
      { env },
    );
  } catch (error) {
    log(`fatal: ${escapeForLog(faultOf(error, 'malformed request').message)}`);
    return EXIT_TEMPORARY;
  } finally {
    await workers.drain();
  }
}
