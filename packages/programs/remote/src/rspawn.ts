// qmail-rspawn(8): remote deliveries, one qmail-remote each, as qmailr.

import { join } from 'node:path';
import { splitAddress } from '@q/address';
import { qmailHome } from '@q/control';
import { argText, type Invocation } from '@q/proc';
import { QueuePaths } from '@q/queue-files';
import { type Delivery, inputOf, outputOf, runOnMessage, runSpawner } from '@q/spawn';
import { qmailIds } from '@q/users';
import { OUTPUT_KEPT } from './limits.ts';
import { remoteReport } from './rspawn-report.ts';
import { clearTimeouts } from './tcpto.ts';

/** Serves qmail-send on fd 0 and fd 1 until fd 0 ends. */
export async function rspawnMain({ env }: Invocation): Promise<number> {
  const home = qmailHome(env);
  const queue = new QueuePaths(join(home, 'queue'));
  const { qmailq } = qmailIds(home);
  await clearTimeouts(queue.lock('tcpto'));
  // qmail-remote is looked for in PATH, as qmail's run scripts set it; the tree's own is the last resort.
  const path = `${env.PATH ?? '/usr/local/bin:/usr/bin:/bin'}:${join(home, 'bin')}`;
  await runSpawner({
    commands: inputOf(0),
    reports: outputOf(1),
    messDir: queue.directory('mess'),
    messageOwner: qmailq,
    deliver: (delivery) => deliverRemotely(delivery, { ...env, PATH: path }),
  });
  return 0;
}

async function deliverRemotely(
  { sender, recipient, messageFd }: Delivery,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const { domain = '' } = splitAddress(recipient);
  let args: string[];
  try {
    args = [domain, sender, recipient].map(argText);
  } catch {
    return 'DSorry, I can only deliver addresses in ASCII or UTF-8. (#5.6.7)\n';
  }
  const file = env.QMAILREMOTE ?? 'qmail-remote';
  const ran = await runOnMessage({ file, args, env }, messageFd, OUTPUT_KEPT);
  if ('refusal' in ran) return ran.refusal;
  if ('unable' in ran) return remoteReport({ code: ran.temporary ? 111 : 100 }, '');
  return remoteReport(ran.exit, ran.output);
}
