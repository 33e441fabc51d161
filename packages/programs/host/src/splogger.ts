// splogger(8): the lines of descriptor 0 to syslog.

import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, faultOf, Permanent } from '@q/fault';
import { readFd } from '@q/fsx';
import { openLog } from '@q/log';
import { type Invocation, mailText } from '@q/proc';
import { BLOCK, NONBLOCKING_POLL_MS } from './limits.ts';
import { LogLines } from './log-lines.ts';
import { Syslog } from './syslog.ts';

const MAIL_FACILITY = 2;
const FACILITY_MAX = 23;

/** Resolves to 0 at the end of the input. */
export async function sploggerMain({ args, options }: Invocation): Promise<number> {
  const [tag = 'splogger', facility] = args;
  const syslog = new Syslog({
    path: typeof options.socket === 'string' ? options.socket : '/dev/log',
    tag: mailText(tag),
    facility: facilityOf(facility),
    log: openLog('splogger'),
  });
  const lines = new LogLines(Date.now);
  const send = ({ priority, text }: { priority: number; text: string }) =>
    syslog.send(priority, text);
  const block = Buffer.allocUnsafe(BLOCK);
  for (let count = await next(block); count > 0; count = await next(block))
    lines.push(block.subarray(0, count), send);
  lines.end(send);
  return 0;
}

/** Throws Permanent for what is no facility of syslog(3). */
function facilityOf(text: string | undefined): number {
  if (text === undefined) return MAIL_FACILITY;
  const facility = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(facility <= FACILITY_MAX))
    throw new Permanent(`not a facility: ${text} (0 to ${FACILITY_MAX})`);
  return facility;
}

/** Bytes read; 0 at the end. */
async function next(block: Buffer): Promise<number> {
  for (;;) {
    try {
      return await readFd(0, block, 0, block.length, null);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN' && errnoOf(error) !== 'EINTR')
        throw faultOf(error, 'unable to read the log');
    }
    await sleep(NONBLOCKING_POLL_MS);
  }
}
