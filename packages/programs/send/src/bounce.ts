// Sends a message's bounce: to its sender, or to the double bounce address when it is a bounce itself; a
// message that failed as a double bounce has nowhere to go (qmail-send(8)).

import { constants } from 'node:fs';
import { stripVerp } from '@q/address';
import { bytesOf } from '@q/bytes';
import { errnoOf } from '@q/fault';
import { closeAnyway, openFd, readFd, unlinkIfThere } from '@q/fsx';
import type { Queue, QueueWriter } from '@q/queue-socket';
import { bounceOpening, bounceSeparator } from './bounce-text.ts';
import type { Context } from './context.ts';
import { COPY_CHUNK, INJECT_TIMEOUT } from './limits.ts';
import { safeText } from './send-log.ts';

const DOUBLE_BOUNCE_SENDER = '#@[]';

/**
 * True when nothing is left in bounce/N. A crash after the bounce was queued and before bounce/N is
 * unlinked sends it again; nothing else can send it twice, and nothing loses it.
 */
export async function sendBounce(
  context: Context,
  queue: Queue,
  id: string,
  sender: string,
): Promise<boolean> {
  const path = context.paths.bounce(id);
  const bounced = await tryOpen(path);
  if (bounced === 'absent') return true;
  if (bounced === 'trouble') {
    context.log(`warning: unable to open ${path}; will try again later`);
    return false;
  }
  try {
    const to = addressee(context, sender);
    if (to === undefined) {
      const kind = sender === DOUBLE_BOUNCE_SENDER ? 'triple' : 'double';
      context.log(`${kind} bounce: discarding ${path}`);
    } else if (!(await inject(context, queue, { id, bounced, to, sender }))) {
      return false;
    }
  } finally {
    // At once: a SIGALRM sent by whoever reads "will try later" in the log must find the message put off.
    closeAnyway(bounced);
  }
  try {
    await unlinkIfThere(path);
    return true;
  } catch {
    context.log(`warning: unable to unlink ${path}`);
    return false;
  }
}

interface Addressee {
  readonly sender: string;
  readonly recipient: string;
  readonly double: boolean;
}

function addressee({ settings }: Context, sender: string): Addressee | undefined {
  if (sender === DOUBLE_BOUNCE_SENDER) return undefined;
  if (sender !== '') return { sender: '', recipient: stripVerp(sender), double: false };
  const recipient = settings.doubleBounceTo;
  if (recipient === undefined) return undefined;
  return { sender: DOUBLE_BOUNCE_SENDER, recipient, double: true };
}

interface Injection {
  readonly id: string;
  /** bounce/N, open. */
  readonly bounced: number;
  readonly to: Addressee;
  readonly sender: string;
}

async function inject(context: Context, queue: Queue, injection: Injection): Promise<boolean> {
  let writer: QueueWriter;
  try {
    writer = await queue.open();
  } catch {
    context.log('warning: unable to start qmail-queue, will try later');
    return false;
  }
  let timer: NodeJS.Timeout | undefined;
  // What hangs is given up, which aborts it unless it is committed already: then it may be sent twice.
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), INJECT_TIMEOUT * 1000);
  });
  const result = await Promise.race([submit(context, writer, injection), timeout]);
  clearTimeout(timer);
  writer.abort();
  if (result?.code === 0) {
    context.log(`bounce msg ${injection.id} qp ${safeText(String(result.qp ?? 0))}`);
    return true;
  }
  context.log('warning: trouble injecting bounce message, will try later');
  return false;
}

async function submit(context: Context, writer: QueueWriter, injection: Injection) {
  const { id, bounced, to, sender } = injection;
  const { paths, settings, now } = context;
  try {
    const opening = bounceOpening({
      now: now(),
      bounceFrom: settings.bounceFrom,
      bounceHost: settings.bounceHost,
      recipient: to.recipient,
      double: to.double,
    });
    await writer.write(bytesOf(opening));
    await copy(bounced, writer);
    await writer.write(bytesOf(bounceSeparator(stripVerp(sender), to.double)));
    const message = await tryOpen(paths.mess(id));
    if (message === 'trouble') throw new Error('message cannot be opened');
    // A message that is gone can still have a bounce: its sender must learn what happened.
    if (message !== 'absent') await copy(message, writer).finally(() => closeAnyway(message));
    return await writer.commit(to.sender, [to.recipient]);
  } catch {
    writer.abort();
    return undefined;
  }
}

async function copy(from: number, writer: QueueWriter): Promise<void> {
  const buffer = Buffer.allocUnsafe(COPY_CHUNK);
  for (let at = 0; !writer.failed; ) {
    const n = await readFd(from, buffer, 0, buffer.length, at);
    if (n === 0) return;
    at += n;
    await writer.write(buffer.subarray(0, n));
  }
}

async function tryOpen(path: string): Promise<number | 'absent' | 'trouble'> {
  try {
    return await openFd(path, constants.O_RDONLY);
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'absent' : 'trouble';
  }
}
