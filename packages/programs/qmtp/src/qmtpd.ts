// The QMTP server as a function of a connection: qmail-qmtpd(8), https://cr.yp.to/proto/qmtp.txt.

import { isForUs, MoreHosts, openControl, readRcptHosts, sizeLimit } from '@q/control';
import { faultOf, Permanent, Temporary } from '@q/fault';
import { mailText } from '@q/proc';
import { CrlfDecoder, encodeAnswer, MESSAGE_MAX, NetstringReader, type Payload } from '@q/qmtp';
import type { Conn, Peer } from '@q/session';
import { AddressList } from './address-list.ts';
import { required } from './fields.ts';
import { type Intake, openIntake, type Services } from './intake.ts';
import { ADDRESS_MAX, ANSWERS_AT_ONCE, QMTP_RECIPIENTS_COST } from './limits.ts';
import { TEXT } from './texts.ts';

const LF = 10;
const CR = 13;

interface Rules {
  readonly sizeLimit: number;
  /** When set, the client may send anywhere, and this is appended to each recipient: $RELAYCLIENT. */
  readonly relayClient: string | undefined;
  /** Throws Temporary when a control file cannot be read. */
  takes(recipient: string): boolean;
}

/**
 * Serves one client: message after message, until it ends the connection. Throws what ends it otherwise:
 * a fault, BrokenOff, or what Conn throws.
 */
export async function qmtpSession(conn: Conn, peer: Peer, services: Services): Promise<void> {
  const moreHosts = new MoreHosts(services.home);
  try {
    const rules = readRules(services.home, peer, moreHosts);
    const reader = new NetstringReader(conn);
    for (;;) {
      const content = await reader.next(MESSAGE_MAX);
      if (content === undefined) return;
      const intake = await openIntake(services, peer, 'QMTP', rules.sizeLimit);
      try {
        await takeMessage(content, reader, intake, rules, conn);
      } finally {
        intake.abort();
      }
    }
  } finally {
    moreHosts.close();
  }
}

function readRules(home: string, peer: Peer, moreHosts: MoreHosts): Rules {
  const control = openControl(home);
  const hosts = readRcptHosts(control);
  const { RELAYCLIENT } = peer.env;
  return {
    sizeLimit: sizeLimit(control, peer.env),
    relayClient: RELAYCLIENT === undefined ? undefined : mailText(RELAYCLIENT),
    takes(recipient) {
      try {
        return isForUs(recipient, hosts, (key) => moreHosts.has(key));
      } catch (error) {
        throw new Temporary(faultOf(error, 'unable to read morercpthosts.cdb').message);
      }
    },
  };
}

async function takeMessage(
  content: Payload,
  reader: NetstringReader,
  intake: Intake,
  rules: Rules,
  conn: Conn,
): Promise<void> {
  await copyContent(content, intake);
  const sender = await required(await reader.next(MESSAGE_MAX)).text(ADDRESS_MAX);
  const recipients = await readRecipients(required(await reader.next(MESSAGE_MAX)), rules);
  const { addresses } = recipients.list;
  let result: string = TEXT.badSender;
  if (sender === undefined || sender.includes('\0')) result = intake.refuse(TEXT.badSender);
  else if (addresses.length > 0) result = await intake.commit(sender, addresses);
  await answer(conn, recipients, result);
}

/** The first byte says how lines end. */
async function copyContent(content: Payload, intake: Intake): Promise<void> {
  const first = await content.read();
  if (first?.[0] !== LF && first?.[0] !== CR) throw new Permanent('a message without its encoding');
  const decoder = first[0] === CR ? new CrlfDecoder() : undefined;
  let piece: Buffer | undefined = first.subarray(1);
  for (; piece !== undefined; piece = await content.read())
    await intake.write(decoder?.push(piece) ?? piece);
  if (decoder !== undefined) await intake.write(decoder.end());
}

interface Recipients {
  readonly list: AddressList;
  /** For each recipient in order: undefined for one of the list, or why it is not. */
  readonly refusals: (string | undefined)[];
  /** Those that came after the list was full. */
  late: number;
}

async function readRecipients(field: Payload, rules: Rules): Promise<Recipients> {
  const list = new AddressList(QMTP_RECIPIENTS_COST);
  const recipients: Recipients = { list, refusals: [], late: 0 };
  const reader = new NetstringReader(field);
  const room = Math.max(0, ADDRESS_MAX - (rules.relayClient?.length ?? 0));
  for (;;) {
    const one = await reader.next(MESSAGE_MAX);
    if (one === undefined) return recipients;
    if (!list.reserve(Math.min(one.length, ADDRESS_MAX))) {
      recipients.late++;
      continue;
    }
    const address = await one.text(room);
    const refusal = address === undefined ? TEXT.badRecipient : refusalOf(address, rules);
    recipients.refusals.push(refusal);
    if (refusal === undefined) list.addresses.push(`${address}${rules.relayClient ?? ''}`);
  }
}

function refusalOf(address: string, { relayClient, takes }: Rules): string | undefined {
  if (address.includes('\0')) return TEXT.badRecipient;
  return relayClient !== undefined || takes(address) ? undefined : TEXT.notMine;
}

/** One answer for each recipient, in their order. */
async function answer(conn: Conn, { refusals, late }: Recipients, result: string): Promise<void> {
  for (const refusal of refusals) await say(conn, refusal ?? result);
  for (let n = 0; n < late; n++) await say(conn, TEXT.laterRecipient);
}

async function say(conn: Conn, text: string): Promise<void> {
  conn.write(encodeAnswer(text));
  if (conn.queued > ANSWERS_AT_ONCE) await conn.flush();
}
