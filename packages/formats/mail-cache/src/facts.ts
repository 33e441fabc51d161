// The facts of a message as a record, from which the numbers are read at once and the text only when it is asked for:
// sorting 20,000 messages by date must not decode 20,000 envelopes.
//
//   facts      = time saved sent size crlf-size email thread packed
//   time       = 8OCTET                     ; and the next four: little-endian double; sent is NaN where there is none
//   email      = 15OCTET                    ; and thread: the id is their base64url, behind a letter
//   packed     = references envelope        ; see packed.ts
//   references = number *string
//   envelope   = maybe maybe maybe maybe 6addresses     ; date, subject, in-reply-to, message-id; from to bcc
//   addresses  = number *address            ; 0: none, 1: those of from, otherwise their number + 1
//   address    = maybe maybe maybe maybe    ; name, route, mailbox, host

import type { Address, Envelope } from '@q/mime';
import type { MessageFacts } from './model.ts';
import { damagedRecord, Packer, Unpacker } from './packed.ts';

export function encodeFacts(facts: MessageFacts): Buffer {
  const packer = new Packer();
  packer.number(facts.references.length);
  for (const id of facts.references) packer.string(id);
  for (const key of TEXTS) packer.maybe(facts.envelope[key]);
  const { from } = facts.envelope;
  for (const key of LISTS) {
    const list = facts.envelope[key];
    if (key !== 'from' && list !== undefined && list === from) packer.number(SAME_AS_FROM);
    else writeAddresses(packer, list);
  }
  const record = packer.packed(HEAD);
  const { time, saved, sent = Number.NaN, size, crlfSize } = facts;
  for (const [i, value] of [time, saved, sent, size, crlfSize].entries())
    record.writeDoubleLE(value, i * 8);
  Buffer.from(facts.emailId.slice(1), 'base64url').copy(record, EMAIL_AT);
  Buffer.from(facts.threadId.slice(1), 'base64url').copy(record, THREAD_AT);
  return record;
}

/** The facts of a record, which they keep. Throws Permanent when it cannot be one. */
export function decodeFacts(record: Buffer): MessageFacts {
  if (record.length <= HEAD) throw damagedRecord();
  return new RecordedFacts(record);
}

class RecordedFacts implements MessageFacts {
  readonly time: number;
  readonly saved: number;
  readonly sent: number | undefined;
  readonly size: number;
  readonly crlfSize: number;
  readonly #record: Buffer;
  #text: Pick<MessageFacts, 'envelope' | 'references'> | undefined;

  constructor(record: Buffer) {
    this.#record = record;
    this.time = record.readDoubleLE(0);
    this.saved = record.readDoubleLE(8);
    const sent = record.readDoubleLE(16);
    this.sent = Number.isNaN(sent) ? undefined : sent;
    this.size = record.readDoubleLE(24);
    this.crlfSize = record.readDoubleLE(32);
  }

  get emailId(): string {
    return EMAIL_LETTER + this.#record.toString('base64url', EMAIL_AT, THREAD_AT);
  }

  get threadId(): string {
    return THREAD_LETTER + this.#record.toString('base64url', THREAD_AT, HEAD);
  }

  get envelope(): Envelope {
    this.#text ??= decodeText(this.#record);
    return this.#text.envelope;
  }

  get references(): readonly string[] {
    this.#text ??= decodeText(this.#record);
    return this.#text.references;
  }
}

function decodeText(record: Buffer): Pick<MessageFacts, 'envelope' | 'references'> {
  const unpacker = new Unpacker(record, HEAD);
  const references: string[] = [];
  for (let left = unpacker.number(); left > 0; left--) references.push(unpacker.string());
  const date = unpacker.maybe();
  const subject = unpacker.maybe();
  const inReplyTo = unpacker.maybe();
  const messageId = unpacker.maybe();
  const from = readAddresses(unpacker, undefined);
  const sender = readAddresses(unpacker, from);
  const replyTo = readAddresses(unpacker, from);
  const to = readAddresses(unpacker, from);
  const cc = readAddresses(unpacker, from);
  const bcc = readAddresses(unpacker, from);
  const envelope = { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId };
  return { envelope, references };
}

function writeAddresses(packer: Packer, list: readonly Address[] | undefined): void {
  packer.number(list === undefined ? NONE : list.length + 1);
  for (const address of list ?? []) for (const key of FIELDS) packer.maybe(address[key]);
}

function readAddresses(
  unpacker: Unpacker,
  from: readonly Address[] | undefined,
): readonly Address[] | undefined {
  const first = unpacker.number();
  if (first === NONE) return undefined;
  if (first === SAME_AS_FROM) return from;
  const list: Address[] = [];
  for (let left = first - 1; left > 0; left--) {
    const name = unpacker.maybe();
    const route = unpacker.maybe();
    const mailbox = unpacker.maybe();
    list.push({ name, route, mailbox, host: unpacker.maybe() });
  }
  return list;
}

export const EMAIL_LETTER = 'M';
export const THREAD_LETTER = 'T';
/** Bytes of the hash in an id: 120 bits, 20 characters. */
export const ID_SIZE = 15;

const EMAIL_AT = 40;
const THREAD_AT = EMAIL_AT + ID_SIZE;
const HEAD = THREAD_AT + ID_SIZE;
/** There is no empty list, so 1 is free. */
const NONE = 0;
const SAME_AS_FROM = 1;
const TEXTS = ['date', 'subject', 'inReplyTo', 'messageId'] as const;
const LISTS = ['from', 'sender', 'replyTo', 'to', 'cc', 'bcc'] as const;
const FIELDS = ['name', 'route', 'mailbox', 'host'] as const;
