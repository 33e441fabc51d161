// qmail-rspawn(8): remote deliveries, as qmailr, in this process or with a qmail-remote for each.

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { splitAddress } from '@q/address';
import { openControl, qmailHome } from '@q/control';
import { argText, type Invocation } from '@q/proc';
import { QueuePaths } from '@q/queue-files';
import { type Delivery, inputOf, outputOf, runOnMessage, runSpawner, SPAWN_LIMIT } from '@q/spawn';
import { qmailIds } from '@q/users';
import { keptNames } from './kept-names.ts';
import { OUTPUT_KEPT } from './limits.ts';
import { openNameService } from './names.ts';
import { watchedOwnAddresses } from './own-addresses.ts';
import { Resident } from './resident.ts';
import { remoteReport } from './rspawn-report.ts';
import { watchedSettings } from './settings.ts';
import { clearTimeouts, openTimeouts } from './tcpto.ts';
import { residentCheck } from './twin.ts';

/** Serves qmail-send on fd 0 and fd 1 until fd 0 ends. */
export async function rspawnMain({ env }: Invocation): Promise<number> {
  const home = qmailHome(env);
  const queue = new QueuePaths(join(home, 'queue'));
  const { qmailq } = qmailIds(home);
  await clearTimeouts(queue.lock('tcpto'));
  // qmail-remote is looked for in PATH, as qmail's run scripts set it; the tree's own is the last resort.
  const path = `${env.PATH ?? '/usr/local/bin:/usr/bin:/bin'}:${join(home, 'bin')}`;
  const isResident = residentCheck({ home, env, path });
  const resident = openResident(home, env, queue.lock('tcpto'));
  // An error in some callback is one delivery's trouble, which its time limits end; the others go on.
  process.on('uncaughtException', alert);
  await runSpawner({
    commands: inputOf(0),
    reports: outputOf(1),
    messDir: queue.directory('mess'),
    messageOwner: qmailq,
    deliver: async (delivery) => {
      const { domain = '' } = splitAddress(delivery.recipient);
      const args = argumentsOf(domain, delivery);
      if (args === undefined)
        return 'DSorry, I can only deliver addresses in ASCII or UTF-8. (#5.6.7)\n';
      if (isResident()) return resident.deliver(delivery, domain);
      return deliverByProcess(args, delivery.messageFd, { ...env, PATH: path });
    },
  });
  resident.close();
  return 0;
}

function openResident(home: string, env: Invocation['env'], tcpto: string): Resident {
  return new Resident({
    settings: watchedSettings(home),
    source: {
      names: keptNames(() => openNameService(env.QMAILDNS)),
      isOwn: watchedOwnAddresses(),
    },
    timeouts: openTimeouts(tcpto),
    slots: slotsOf(home),
    alert,
  });
}

/** As many as qmail-send will use: it asks the same file when it starts. */
function slotsOf(home: string): number {
  try {
    return Math.min(SPAWN_LIMIT, Math.max(1, openControl(home).int('concurrencyremote', 20)));
  } catch {
    return SPAWN_LIMIT;
  }
}

function alert(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  try {
    writeSync(2, `qmail-rspawn: alert: ${text.replaceAll(/\s*\n\s*/g, ' / ')}\n`);
  } catch {
    // nobody listens
  }
}

/** qmail-remote's, or undefined for addresses that cannot be passed on. */
function argumentsOf(domain: string, { sender, recipient }: Delivery): string[] | undefined {
  try {
    return [domain, sender, recipient].map(argText);
  } catch {
    return undefined;
  }
}

async function deliverByProcess(
  args: readonly string[],
  messageFd: number,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const file = env.QMAILREMOTE ?? 'qmail-remote';
  const ran = await runOnMessage({ file, args, env }, messageFd, OUTPUT_KEPT);
  if ('refusal' in ran) return ran.refusal;
  if ('unable' in ran) return remoteReport({ code: ran.temporary ? 111 : 100 }, '');
  return remoteReport(ran.exit, ran.output);
}
