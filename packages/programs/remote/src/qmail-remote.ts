// qmail-remote(8): sends one message to one host by SMTP. Whatever happens is told in reports on fd 1, each
// ended by NUL: "r", "h" or "s" for each recipient, then "K", "Z" or "D" for the message.

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { qmailHome } from '@q/control';
import { isFault, Permanent, Temporary } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { QueuePaths } from '@q/queue-files';
import { checkAddress } from './envelope.ts';
import { hangUp } from './line.ts';
import { openNames } from './names.ts';
import { openSendable } from './outgoing.ts';
import { ownAddresses } from './own-addresses.ts';
import { planFor } from './plan.ts';
import { reachServer } from './reach.ts';
import { readSettings } from './settings.ts';
import { openTimeouts } from './tcpto.ts';
import { faultReport } from './verdict.ts';

/** What --help says first. qmail-rspawn knows our own qmail-remote by it. */
export const REMOTE_SUMMARY =
  'sends the message on fd 0 by SMTP or QMTP and prints a report for each recipient and the message';

/** Always resolves to 0: the reports say what happened. */
export async function remoteMain({ args, env }: Invocation): Promise<number> {
  let reports: readonly string[];
  try {
    reports = await deliver(args.map(mailText), env);
  } catch (error) {
    reports = [faultReport(isFault(error) ? error : unforeseen(error))];
  }
  const output = reports.map((report) => `${report.replaceAll('\0', '?')}\0`).join('');
  writeSync(1, Buffer.from(output.replace(/[^\x00-\xff]/g, '?'), 'latin1'));
  return 0;
}

/** Not a text of faultOf: what nobody foresaw may carry anything, and a report goes into a bounce. */
function unforeseen(cause: unknown): Temporary {
  return new Temporary('System resources temporarily unavailable. (#4.3.0)', { cause });
}

async function deliver(
  [domain, sender, ...recipients]: readonly string[],
  env: Invocation['env'],
): Promise<readonly string[]> {
  if (domain === undefined || sender === undefined || recipients.length === 0)
    throw new Permanent('I (qmail-remote) was invoked improperly. (#5.3.5)');
  const home = qmailHome(env);
  const settings = readSettings(home);
  for (const address of [sender, ...recipients]) checkAddress(address);
  const source = { names: openNames(env.QMAILDNS), isOwn: ownAddresses() };
  const plan = await planFor(domain, settings, source);
  const content = await openSendable(0, plan.route);
  const timeouts = openTimeouts(new QueuePaths(join(home, 'queue')).lock('tcpto'));
  const line = await reachServer(plan, timeouts);
  const verdict = await line.send({ sender, recipients, content });
  await hangUp(line, verdict);
  return [...verdict.recipients.map(({ letter, text }) => `${letter}${text}`), verdict.message];
}
