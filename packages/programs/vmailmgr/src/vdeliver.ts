// vdeliver: delivers the message on descriptor 0 to a virtual user. vdeliver(8); run by qmail-local from
// .qmail-default.
//
//   1 the record, by EXT                          crash before 6: nothing happened but a leftover in tmp
//   2 vdeliver-predeliver hooks
//   3 size and quota looked at
//   4 tmp/NAME of the maildir written and fsynced
//   5 the forwards queued                         crash after: forwarded again by the next try
//   6 tmp/NAME linked to new/NAME, new fsynced    crash after: delivered again by the next try
//   7 the size added to maildirsize; a warning that the mailbox fills up; an autoresponse
//   8 vdeliver-postdeliver hooks
//
// What can fail often (no such maildir, disk full) comes before what cannot be taken back, and whatever goes wrong
// after 6 is said and changes nothing: a second try would be a second message. Exit codes are
// those of qmail-command(8); texts go to stdout, into the bounce or the log.

import { bytesOf } from '@q/bytes';
import { openControl } from '@q/control';
import { errnoOf, faultOf, Temporary } from '@q/fault';
import { deliverToMaildir, isMaildir, recordAdded } from '@q/maildir';
import { argText, type Invocation } from '@q/proc';
import { type Domain, openDomain, withTable } from '@q/vmail-domain';
import { runHooks, virtualEnvironment } from '@q/vmailmgr';
import { Bounce } from './bounce.ts';
import { autorespond } from './deliver-autoresponse.ts';
import { isDoneByHook } from './deliver-by-hook.ts';
import { forwardMessage } from './deliver-forward.ts';
import { messageBytes, messageSize, rewindMessage } from './deliver-message.ts';
import { checkMessageSize, checkRoom, type Room } from './deliver-quota.ts';
import { findRecipient, forwardAddresses, type Recipient } from './deliver-recipient.ts';
import { type DeliveryRequest, readRequest } from './deliver-request.ts';
import { warnWhenFull } from './deliver-warning.ts';
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
  const room = await roomFor(delivery);
  if (takesMail(delivery.recipient)) {
    const bytes = await intoMailbox(delivery);
    await account(delivery, room, bytes);
  } else {
    await forward(delivery);
  }
  await reply(delivery);
  if (delivery.request.hooks.after && (await hooks(delivery, 'vdeliver-postdeliver')) !== 0)
    delivery.say('Execution of vdeliver-postdeliver failed');
  return EXIT_DELIVERED;
}

/** Step 3. Throws Bounce. */
async function roomFor({ request, domain, recipient, say }: Delivery): Promise<Room | undefined> {
  const { settings } = domain;
  const run = request.hooks.before ? settings.hooks('vdeliver-predeliver') : [];
  if (isDoneByHook('quota-by', settings, run)) return undefined;
  const size = messageSize();
  const stored = size + request.mailboxLines.length;
  const softSize = settings.number('quota-softsize');
  const incoming = { user: recipient.user, size, stored, softSize, say };
  checkMessageSize(incoming);
  return takesMail(recipient) ? checkRoom(incoming) : undefined;
}

/** Steps 4 to 6; the bytes of the new file. */
async function intoMailbox(delivery: Delivery): Promise<number> {
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
    const options = { beforeLink, sizeInName: true };
    return (await deliverToMaildir(directory, mailboxBytes(delivery.request), options)).bytes;
  } catch (error) {
    if (forwardTrouble !== undefined) throw forwardTrouble;
    throw mailboxTrouble(error);
  }
}

async function account(
  { request, domain, recipient, say }: Delivery,
  room: Room | undefined,
  bytes: number,
): Promise<void> {
  const { name, user } = recipient;
  recordAdded(bytesOf(user.directory), bytes);
  if (room === undefined) return;
  const usage = { bytes: room.usage.bytes + bytes, messages: room.usage.messages + 1 };
  const { settings } = domain;
  await warnWhenFull(
    { settings, name, host: request.host, directory: user.directory, say },
    room,
    usage,
  );
}

function reply({ request, domain, recipient, env, say }: Delivery): Promise<void> {
  const { settings } = domain;
  const { ext, host, sender } = request;
  return autorespond({
    settings,
    directory: recipient.user.directory,
    own: [`${ext}@${host}`, `${recipient.name}@${host}`],
    sender,
    queue: { root: argText(settings.directory('qmail-root')), env },
    isDoneByHook: () =>
      isDoneByHook(
        'autoresponse-by',
        settings,
        request.hooks.after ? settings.hooks('vdeliver-postdeliver') : [],
      ),
    say,
  });
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
