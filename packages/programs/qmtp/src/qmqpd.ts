// The QMQP server as a function of a connection: qmail-qmqpd(8), https://cr.yp.to/proto/qmqp.html.
// It takes everything from everybody: who may connect is decided before.

import { Permanent } from '@q/fault';
import { encodeAnswer, MESSAGE_MAX, NetstringReader, type Payload } from '@q/qmtp';
import type { Conn, Peer } from '@q/session';
import { AddressList } from './address-list.ts';
import { type Intake, openIntake, type Services } from './intake.ts';
import { ADDRESS_MAX, QMQP_RECIPIENTS_COST } from './limits.ts';
import { TEXT } from './texts.ts';

/**
 * Takes one message and answers. Throws what ends the connection otherwise: a fault, BrokenOff, or what
 * Conn throws.
 */
export async function qmqpSession(conn: Conn, peer: Peer, services: Services): Promise<void> {
  const request = await new NetstringReader(conn).next(MESSAGE_MAX);
  if (request === undefined) return;
  const intake = await openIntake(services, peer, 'QMQP');
  try {
    conn.write(encodeAnswer(await takeRequest(new NetstringReader(request), intake)));
  } finally {
    intake.abort();
  }
}

/** The answer; when it is there, all of the request has been read and was well-formed. */
async function takeRequest(fields: NetstringReader, intake: Intake): Promise<string> {
  const content = present(await fields.next(MESSAGE_MAX));
  for (let piece = await content.read(); piece !== undefined; piece = await content.read())
    await intake.write(piece);
  const sender = await present(await fields.next(MESSAGE_MAX)).text(ADDRESS_MAX);
  const list = new AddressList(QMQP_RECIPIENTS_COST);
  let refusal: string | undefined = isFit(sender) ? undefined : TEXT.badAddress;
  for (let one = await fields.next(MESSAGE_MAX); one; one = await fields.next(MESSAGE_MAX)) {
    if (!list.reserve(Math.min(one.length, ADDRESS_MAX))) refusal ??= TEXT.tooManyRecipients;
    if (refusal !== undefined) continue; // the rest is read all the same: the client hears us only then
    const address = await one.text(ADDRESS_MAX);
    if (isFit(address)) list.addresses.push(address);
    else refusal = TEXT.badAddress;
  }
  return refusal === undefined && isFit(sender)
    ? intake.commit(sender, list.addresses)
    : intake.refuse(refusal ?? TEXT.badAddress);
}

function isFit(address: string | undefined): address is string {
  return address !== undefined && !address.includes('\0');
}

function present(field: Payload | undefined): Payload {
  if (field === undefined) throw new Permanent('a request without content or sender');
  return field;
}
