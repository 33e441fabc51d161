// qmail-remote(8): sends one message to one host by SMTP. Whatever happens is told in reports on fd 1, each
// ended by NUL: "r", "h" or "s" for each recipient, then "K", "Z" or "D" for the message.

import { statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { quoteAddress } from '@q/address';
import { type ColonMap, openControl, qmailHome } from '@q/control';
import { isFault, Permanent, Temporary } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { QueuePaths } from '@q/queue-files';
import { candidatesFor } from './candidates.ts';
import { partialLine, type RemoteMessage, sendMessage } from './dialogue.ts';
import { openNames } from './names.ts';
import { openOutgoing } from './outgoing.ts';
import { ownAddresses } from './own-addresses.ts';
import { reachServer } from './reach.ts';
import { routeOf } from './route.ts';
import { openTimeouts } from './tcpto.ts';

/** Always resolves to 0: the reports say what happened. */
export async function remoteMain({ args, env }: Invocation): Promise<number> {
  const reports: string[] = [];
  try {
    reports.push(`K${await deliver(args.map(mailText), env, reports)}\n`);
  } catch (error) {
    const fault = isFault(error) ? error : unforeseen(error);
    reports.push(`${fault instanceof Permanent ? 'D' : 'Z'}${fault.message}\n`);
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
  reports: string[],
): Promise<string> {
  if (domain === undefined || sender === undefined || recipients.length === 0)
    throw new Permanent('I (qmail-remote) was invoked improperly. (#5.3.5)');
  const home = qmailHome(env);
  checkHome(home);
  const controls = readControls(home);
  const message: RemoteMessage = {
    sender: wirePath(sender),
    recipients: recipients.map(wirePath),
    content: await openOutgoing(0),
  };
  if (message.content.facts?.partialLine === true) throw partialLine();
  const route = routeOf(domain, controls.routes);
  const source = { names: openNames(env.QMAILDNS), isOwn: ownAddresses() };
  const candidates = await candidatesFor(route, source);
  const connection = await reachServer(candidates, {
    port: route.port,
    timeouts: openTimeouts(new QueuePaths(join(home, 'queue')).lock('tcpto')),
    connectSeconds: controls.connectSeconds,
    replySeconds: controls.replySeconds,
  });
  return sendMessage(connection, controls.helo, message, reports);
}

interface Controls {
  readonly helo: string;
  readonly routes: ColonMap | undefined;
  readonly connectSeconds: number;
  readonly replySeconds: number;
}

function readControls(home: string): Controls {
  const control = openControl(home);
  try {
    return {
      helo: control.lineOrMe('helohost'),
      routes: control.map('smtproutes'),
      connectSeconds: control.int('timeoutconnect', 60),
      replySeconds: control.int('timeoutremote', 1200),
    };
  } catch (cause) {
    throw new Temporary('Unable to read control files. (#4.3.0)', { cause });
  }
}

function checkHome(home: string): void {
  try {
    if (statSync(home).isDirectory()) return;
  } catch {
    // told below
  }
  throw new Temporary('Unable to switch to home directory. (#4.3.0)');
}

/**
 * An address as it goes between angle brackets. A line break in one would start a command of its own on
 * the server: no quoting helps against that.
 */
function wirePath(address: string): string {
  if (/[\r\n]/.test(address))
    throw new Permanent("Sorry, I can't send to or from an address with a line break. (#5.1.3)");
  return quoteAddress(address);
}
