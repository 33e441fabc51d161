// vdeliver: delivers the message on descriptor 0 to a virtual user. vdeliver(8); run by qmail-local from
// .qmail-default.
//
//   1 the record, by EXT                          crash before 5: nothing happened but a leftover in tmp
//   2 vdeliver-predeliver hooks
//   3 tmp/NAME of the maildir written and fsynced
//   4 the forwards queued                         crash after: forwarded again by the next try
//   5 tmp/NAME linked to new/NAME, new fsynced    crash after: delivered again by the next try
//   6 vdeliver-postdeliver hooks, whose status changes nothing any more
//
// What can fail often (no such maildir, disk full) comes before what cannot be taken back. Exit codes are
// those of qmail-command(8); texts go to stdout, into the bounce or the log.

import { bytesOf } from '@q/bytes';
import { openControl } from '@q/control';
import { errnoOf, faultOf, Temporary } from '@q/fault';
import { deliverToMaildir, isMaildir } from '@q/maildir';
import { argText, type Invocation } from '@q/proc';
import { type Domain, openDomain, withTable } from '@q/vmail-domain';
import { runHooks, virtualEnvironment } from '@q/vmailmgr';
import { Bounce } from './bounce.ts';
import { forwardMessage } from './deliver-forward.ts';
import { messageBytes, rewindMessage } from './deliver-message.ts';
import { findRecipient, forwardAddresses, type Recipient } from './deliver-recipient.ts';
import { type DeliveryRequest, readRequest } from './deliver-request.ts';
import { standardOutput } from './output.ts';

const EXIT_DELIVERED = 0;
const EXIT_BOUNCE = 100;
const EXIT_DEFER = 111;
/** A predeliver hook's way to say: dealt with, no more to do. */
const EXIT_STOP = 99;

interface Delivery {
  readonly request: DeliveryRequest;
  readonly domain: Domain;
  readonly recipient: Recipient;
  /** For hooks and the queue. */
  readonly env: NodeJS.ProcessEnv;
  say(text: string): void;
}

/** One delivery, or with --worker those that the qmail-local which started it asks for. */
export async function vdeliverMain(invocation: Invocation): Promise<number> {
  if (invocation.options.worker !== true) return attempt(invocation);
  const { serveCalls } = await import('@q/warm');
  return serveCalls(invocation, attempt);
}

async function attempt(invocation: Invocation): Promise<number> {
  const quiet = invocation.options.quiet === true;
  const say = quiet ? () => {} : (text: string) => standardOutput.out(`vdeliver: ${text}\n`);
  try {
    const delivery = prepare(invocation, say);
    return (await before(delivery)) ?? (await deliver(delivery));
  } catch (error) {
    const fault = faultOf(error, 'internal error');
    say(fault.message);
    return fault instanceof Bounce ? EXIT_BOUNCE : EXIT_DEFER;
  }
}

function prepare(invocation: Invocation, say: (text: string) => void): Delivery {
  const { env } = invocation;
  if (process.geteuid?.() === 0) throw new Temporary('will not run as root');
  const home = enterHome(env);
  const request = readRequest(invocation);
  const domain = openDomain(home, env);
  const { ext } = request;
  const recipient = withTable(domain, (table) => findRecipient(ext, table, domain.settings));
  if (recipient === undefined) throw new Bounce(`Invalid or unknown virtual user '${ext}'`);
  const { name, user } = recipient;
  if (user.expiry < Date.now() / 1000) throw new Bounce(`Virtual user '${ext}' has expired`);
  if (!takesMail(recipient) && user.forwards.length === 0)
    throw new Temporary(
      user.hasMailbox
        ? `Virtual user '${ext}' is disabled; the message waits`
        : `Virtual user '${ext}' has neither mailbox nor forwarding address; the message waits`,
    );
  return {
    request,
    domain,
    recipient,
    env: { ...env, ...virtualEnvironment(name, user) },
    say,
  };
}

function enterHome(env: Readonly<NodeJS.ProcessEnv>): string {
  const home = env.HOME;
  if (home === undefined || home === '') throw new Temporary("Can't determine home directory");
  try {
    process.chdir(home);
    return home;
  } catch (cause) {
    throw new Temporary("Can't change to home directory", { cause });
  }
}

function takesMail({ user }: Recipient): boolean {
  return user.hasMailbox && user.mailboxEnabled;
}

/** The exit code by which a predeliver hook ends the delivery; undefined to go on. */
async function before(delivery: Delivery): Promise<number | undefined> {
  if (!delivery.request.hooks.before) return undefined;
  const status = await hooks(delivery, 'vdeliver-predeliver');
  if (status === 0) return undefined;
  if (status !== EXIT_STOP) delivery.say('Execution of vdeliver-predeliver failed');
  return status;
}

async function deliver(delivery: Delivery): Promise<number> {
  if (takesMail(delivery.recipient)) await intoMailbox(delivery);
  else await forward(delivery);
  if (delivery.request.hooks.after && (await hooks(delivery, 'vdeliver-postdeliver')) !== 0)
    delivery.say('Execution of vdeliver-postdeliver failed');
  return EXIT_DELIVERED;
}

/** Steps 3 to 5. */
async function intoMailbox(delivery: Delivery): Promise<void> {
  const directory = bytesOf(delivery.recipient.user.directory);
  if (!(await isMaildir(directory)))
    throw new Temporary('Destination directory does not appear to be a maildir.');
  let forwardTrouble: unknown;
  const beforeLink = async () => {
    try {
      await forward(delivery);
    } catch (error) {
      forwardTrouble = error;
      throw error;
    }
  };
  try {
    await deliverToMaildir(directory, mailboxBytes(delivery.request), { beforeLink });
  } catch (error) {
    if (forwardTrouble !== undefined) throw forwardTrouble;
    throw mailboxTrouble(error);
  }
}

async function* mailboxBytes(request: DeliveryRequest): AsyncGenerator<Buffer, void, undefined> {
  yield bytesOf(request.mailboxLines);
  yield* messageBytes();
}

/** The owner's disk quota is full: the sender is told at once, as VMailMgr does. */
function mailboxTrouble(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  if (errnoOf(cause) === 'EDQUOT')
    return new Bounce('Delivery failed due to system quota violation', { cause });
  return error;
}

async function forward({ recipient, request, domain, env }: Delivery): Promise<void> {
  const { forwards } = recipient.user;
  if (forwards.length === 0) return;
  const root = argText(domain.settings.directory('qmail-root'));
  const me = () => {
    const name = openControl(root).me();
    if (name === undefined || name === '') throw new Temporary('control/me is empty!');
    return name;
  };
  await forwardMessage(request, forwardAddresses(forwards, request.host, me), root, env);
}

function hooks({ domain, env }: Delivery, name: string): Promise<number> {
  return runHooks(domain.settings.hooks(name), { env, before: () => rewindMessage() });
}
