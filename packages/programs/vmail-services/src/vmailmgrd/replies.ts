// Carries out a job and writes its replies, as they come: a domain of 100,000 users is never in memory.

import { bytesOf, textOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import { type Conn, Disconnected, Timeout } from '@q/session';
import { openDomain } from '@q/vmail-domain';
import { encodeReply, type Reply, type ReplyCode } from '@q/vmailmgrd';
import type { Env } from '../service/service.ts';
import type { Job } from './authorise.ts';
import { BadRequest } from './commands.ts';
import { OPERATIONS } from './operations.ts';

/** How a request ended: the code and text of the closing reply. */
export interface Outcome {
  readonly code: ReplyCode;
  readonly text: string;
}

const ECONN = 3;
/** Bytes that are gathered before they leave. */
const BATCH = 64 * 1024;

/** Runs as the domain's owner, in its home. Never throws for what the client or the domain can cause. */
export async function carryOut(conn: Conn, job: Job, home: string, env: Env): Promise<Outcome> {
  let last: Reply | undefined;
  try {
    const operation = OPERATIONS[job.command];
    if (operation === undefined) throw new BadRequest('Invalid or unknown command');
    for await (const reply of operation(openDomain(home, env), job)) {
      last = reply;
      conn.write(encodeReply(reply));
      if (conn.queued > BATCH) await conn.flush();
    }
    await conn.flush();
    // Data must not come into the log: only what closes a request in words.
    const text = last === undefined || job.command === 'autoresponse' ? '' : textOf(last.text);
    return { code: 0, text: /^[\x20-\x7e]*$/.test(text) ? text : '' };
  } catch (error) {
    return refuse(conn, error);
  }
}

/** Tells the client what went wrong, if it is still there. */
export async function refuse(conn: Conn, error: unknown): Promise<Outcome> {
  if (error instanceof Timeout || error instanceof Disconnected)
    return { code: ECONN, text: error.message };
  const code = error instanceof BadRequest ? 1 : 2;
  const text =
    error instanceof BadRequest ? error.message : faultOf(error, 'internal error').message;
  try {
    conn.write(encodeReply({ code, text: bytesOf(text) }));
    await conn.flush();
  } catch {
    return { code: ECONN, text };
  }
  return { code, text };
}
