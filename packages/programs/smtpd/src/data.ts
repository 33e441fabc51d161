// DATA: from the wire straight into the queue, a chunk at a time. Whatever happens before the queue
// has said yes, nothing is queued; what it said yes to is the only thing answered with 250.

import { HeaderScanner, HOPS_MAX, receivedFrom } from '@q/message';
import type { QueueWriter } from '@q/queue-socket';
import { DataDecoder } from '@q/smtp';
import { HEADER_MAX } from './limits.ts';
import { queuedReply, queueReply, REPLY } from './replies.ts';
import { reply, type State, type Transaction } from './state.ts';

/** 'close' when the connection cannot go on: the message broke off, or nobody knows where it ends. */
export async function data(state: State): Promise<'next' | 'close'> {
  const { transaction } = state;
  if (transaction === undefined) return reply(state, REPLY.mailFirst);
  if (transaction.recipients.length === 0) return reply(state, REPLY.rcptFirst);
  state.transaction = undefined;
  const writer = await openWriter(state);
  if (writer === undefined) return reply(state, REPLY.noQueue);
  try {
    return await take(state, transaction, writer);
  } finally {
    writer.abort(); // does nothing once the message is committed
  }
}

async function openWriter({ services, peer }: State): Promise<QueueWriter | undefined> {
  try {
    return await services.queue.open(peer.env);
  } catch {
    return undefined;
  }
}

async function take(
  state: State,
  transaction: Transaction,
  writer: QueueWriter,
): Promise<'next' | 'close'> {
  reply(state, REPLY.goAhead);
  await state.conn.flush(); // whatever the queue makes us wait for, the client must not
  await writer.write(Buffer.from(receivedLine(state), 'latin1'));
  const body = await receive(state, writer);
  switch (body.end) {
    case 'broken off':
      return 'close';
    case 'bare-lf':
      reply(state, REPLY.bareLf);
      return 'close';
    case 'refused':
      return reply(state, body.refusal);
    case 'whole': {
      const { code, text, qp } = await writer.commit(transaction.sender, transaction.recipients);
      const queued = code === 0 && qp !== undefined;
      return reply(state, queued ? queuedReply(state.services.now(), qp) : queueReply(text));
    }
  }
}

type Body =
  | { readonly end: 'whole' | 'broken off' | 'bare-lf' }
  | { readonly end: 'refused'; readonly refusal: string };

/** Reads up to the end of the message; after a refusal it reads on, but keeps nothing. */
async function receive({ conn, config }: State, writer: QueueWriter): Promise<Body> {
  const decoder = new DataDecoder();
  const scanner = new HeaderScanner();
  let size = 0;
  let refusal: string | undefined;
  for (;;) {
    const chunk = await conn.borrow();
    if (chunk === undefined) return { end: 'broken off' };
    const decoded = decoder.push(chunk, chunk);
    if (decoded.state === 'bare-lf') return { end: 'bare-lf' };
    size += decoded.data.length;
    scanner.push(decoded.data);
    refusal ??= contentRefusal(scanner, size, config.databytes);
    if (refusal !== undefined) writer.abort();
    else await writer.write(decoded.data);
    if (decoded.state === 'end') {
      conn.unread(chunk.subarray(decoded.consumed));
      return refusal === undefined ? { end: 'whole' } : { end: 'refused', refusal };
    }
  }
}

function contentRefusal(
  scanner: HeaderScanner,
  size: number,
  databytes: number,
): string | undefined {
  if (scanner.hops >= HOPS_MAX) return REPLY.looping;
  if (databytes > 0 && size > databytes) return REPLY.tooBig;
  return scanner.headerBytes > HEADER_MAX ? REPLY.headerTooBig : undefined;
}

function receivedLine({ peer, config, services, helo }: State): string {
  return receivedFrom({
    remoteHost: peer.remoteHost ?? 'unknown',
    remoteIp: peer.remoteIp,
    remoteInfo: peer.remoteInfo,
    helo,
    localHost: config.localHost,
    protocol: 'SMTP',
    now: services.now(),
  });
}
