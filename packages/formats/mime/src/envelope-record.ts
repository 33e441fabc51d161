// The envelope in a message's record, see message-record.ts.
//
//   envelope  = maybe maybe maybe maybe 6addresses      ; date, subject, in-reply-to, message-id; from to bcc
//   addresses = number *address                         ; 0: none, 1: those of from, otherwise their number + 1
//   address   = maybe maybe maybe maybe                 ; name, route, mailbox, host

import { ADDRESSES_MAX } from './limits.ts';
import type { Address, Envelope } from './message.ts';
import { damaged, type RecordReader, type RecordWriter } from './record-bytes.ts';

export function writeEnvelope(writer: RecordWriter, envelope: Envelope): void {
  writer.maybe(envelope.date);
  writer.maybe(envelope.subject);
  writer.maybe(envelope.inReplyTo);
  writer.maybe(envelope.messageId);
  for (const key of LISTS) {
    const list = envelope[key];
    if (key !== 'from' && list !== undefined && list === envelope.from) writer.number(SAME_AS_FROM);
    else writeAddresses(writer, list);
  }
}

export function readEnvelope(reader: RecordReader): Envelope {
  const date = reader.maybe();
  const subject = reader.maybe();
  const inReplyTo = reader.maybe();
  const messageId = reader.maybe();
  const from = readAddresses(reader, undefined);
  const next = () => readAddresses(reader, from);
  const [sender, replyTo, to, cc, bcc] = [next(), next(), next(), next(), next()];
  return { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId };
}

function writeAddresses(writer: RecordWriter, list: readonly Address[] | undefined): void {
  writer.number(list === undefined ? NONE : list.length + 1);
  for (const address of list ?? []) for (const key of FIELDS) writer.maybe(address[key]);
}

function readAddresses(
  reader: RecordReader,
  from: readonly Address[] | undefined,
): readonly Address[] | undefined {
  const first = reader.number(ADDRESSES_LISTED_MAX + 1);
  if (first === NONE) return undefined;
  if (first === SAME_AS_FROM) {
    if (from === undefined) throw damaged();
    return from;
  }
  const list: Address[] = [];
  for (let left = first - 1; left > 0; left--) {
    const [name, route, mailbox, host] = [
      reader.maybe(),
      reader.maybe(),
      reader.maybe(),
      reader.maybe(),
    ];
    list.push({ name, route, mailbox, host });
  }
  return list;
}

const NONE = 0;
const SAME_AS_FROM = 1;
/** With the ends of groups that the field did not close. */
const ADDRESSES_LISTED_MAX = ADDRESSES_MAX + 2;
const LISTS = ['from', 'sender', 'replyTo', 'to', 'cc', 'bcc'] as const;
const FIELDS = ['name', 'route', 'mailbox', 'host'] as const;
