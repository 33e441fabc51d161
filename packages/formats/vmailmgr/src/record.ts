// A virtual user's record in passwd.cdb. passwd.cdb(5).
//
// Version 2, the one written:
//   record    = %x02 *( flag value ) %x00 password NUL directory NUL *( forward NUL ) NUL personal NUL
//               hardquota NUL softquota NUL msgsize NUL msgcount NUL ctime NUL expiry NUL
//   flag      = %x0A (has mailbox) / %x08 (mailbox enabled);   value = %x00 / %x01
//   hardquota.. expiry = number
//   number    = *DIGIT / "-" *DIGIT           ; "-" unlimited; see below for "-" 1*DIGIT
//
// Example: 02 0A01 0801 00 "$y$...\0" "./users/me\0" "\0" "\0" "-\0-\0-\0-\0" "1795334409\0" "-\0"
//
// Version 1 (first byte 01) has no flags. The oldest form is text, ":" password ":" destination, where a
// destination beginning with "." or "/" is a mailbox and anything else a comma-separated list of
// forwards after an optional "&". All three are read.
//
// Numbers: VMailMgr's reader computes in 32 bits, so that 5 GiB would be 1 GiB to it and mail would bounce;
// but it takes whatever begins with "-" for unlimited, digits included. A number beyond its range is
// therefore written "-5368709120": exact for us, unlimited for it.

import { bytesOf, splitNul, textOf } from '@q/bytes';
import { Permanent, Temporary } from '@q/fault';
import { OLD_NUMBER_MAX } from './limits.ts';

/** No limit, or never. */
export const UNLIMITED = Number.POSITIVE_INFINITY;

/** All text is latin1. Quotas in bytes, times in seconds since 1970. */
export interface VirtualUser {
  /** The hash; '*' (and '') match no password. */
  readonly password: string;
  /** The maildir, relative to the base user's home; '' for none. */
  readonly directory: string;
  readonly forwards: readonly string[];
  readonly personal: string;
  readonly hardQuota: number;
  readonly softQuota: number;
  readonly messageSize: number;
  readonly messageCount: number;
  /** When the record was made; 0 when that is not known. */
  readonly created: number;
  /** From when on the account is refused; UNLIMITED for never. */
  readonly expiry: number;
  readonly hasMailbox: boolean;
  readonly mailboxEnabled: boolean;
}

/** What the oldest form of record does not say. */
export type RecordDefaults = Pick<
  VirtualUser,
  'hardQuota' | 'softQuota' | 'messageSize' | 'messageCount' | 'expiry'
>;

const HAS_MAILBOX = 0x0a;
const MAILBOX_ENABLED = 0x08;
const NO_LIMITS: RecordDefaults = {
  hardQuota: UNLIMITED,
  softQuota: UNLIMITED,
  messageSize: UNLIMITED,
  messageCount: UNLIMITED,
  expiry: UNLIMITED,
};

/** The version 2 record. Throws Permanent for text with NUL, an empty forward or a number that is none. */
export function encodeRecord(user: VirtualUser): Buffer {
  if (user.forwards.includes('')) throw new Permanent('an empty forwarding address');
  const fields = [
    user.password,
    user.directory,
    ...user.forwards,
    '',
    user.personal,
    ...[user.hardQuota, user.softQuota, user.messageSize, user.messageCount].map(encodeNumber),
    encodeNumber(user.created),
    encodeNumber(user.expiry),
  ];
  if (fields.some((field) => field.includes('\0'))) throw new Permanent('NUL inside a field');
  const hasMailbox = user.hasMailbox && user.directory !== '';
  const flags = [HAS_MAILBOX, Number(hasMailbox), MAILBOX_ENABLED, Number(user.mailboxEnabled), 0];
  return Buffer.concat([Buffer.of(2, ...flags), bytesOf(`${fields.join('\0')}\0`)]);
}

/** Reads a record of any version. Throws Temporary when it is none: mail must wait for a repair. */
export function decodeRecord(bytes: Buffer, defaults: RecordDefaults = NO_LIMITS): VirtualUser {
  switch (bytes[0]) {
    case 1:
      return decodeFields(bytes.subarray(1), undefined, true);
    case 2: {
      const { hasMailbox, mailboxEnabled, length } = decodeFlags(bytes);
      return decodeFields(bytes.subarray(length), hasMailbox, mailboxEnabled);
    }
    case 0x3a: // ":"
      return decodeText(textOf(bytes), defaults);
    default:
      throw unreadable('unknown version');
  }
}

// --- internal ---

function decodeFlags(bytes: Buffer): {
  hasMailbox: boolean | undefined;
  mailboxEnabled: boolean;
  length: number;
} {
  let hasMailbox: boolean | undefined;
  let mailboxEnabled = true;
  for (let at = 1; at < bytes.length; at += 2) {
    const value = bytes[at + 1];
    if (bytes[at] === 0) return { hasMailbox, mailboxEnabled, length: at + 1 };
    if (value === undefined) break;
    if (bytes[at] === HAS_MAILBOX) hasMailbox = value !== 0;
    else if (bytes[at] === MAILBOX_ENABLED) mailboxEnabled = value !== 0;
    else throw unreadable(`unknown flag ${bytes[at]}`);
  }
  throw unreadable('it ends within the flags');
}

/** `hasMailbox` undefined: there is a mailbox if there is a directory, as before the flag existed. */
function decodeFields(
  bytes: Buffer,
  hasMailbox: boolean | undefined,
  mailboxEnabled: boolean,
): VirtualUser {
  const { records, rest } = splitNul(bytes);
  if (rest.length > 0) throw unreadable('it does not end with NUL');
  const fields = records.map(textOf);
  const [password, directory] = fields;
  const listEnd = fields.indexOf('', 2);
  const [personal, ...numbers] = listEnd < 0 ? [] : fields.slice(listEnd + 1);
  if (password === undefined || directory === undefined || personal === undefined)
    throw unreadable('it has too few fields');
  if (numbers.length !== 6) throw unreadable('it has the wrong number of fields');
  const [hardQuota, softQuota, messageSize, messageCount, created, expiry] = numbers.map(
    decodeNumber,
  ) as [number, number, number, number, number, number];
  return {
    password,
    directory,
    forwards: fields.slice(2, listEnd),
    personal,
    hardQuota,
    softQuota,
    messageSize,
    messageCount,
    created,
    expiry,
    hasMailbox: directory !== '' && (hasMailbox ?? true),
    mailboxEnabled,
  };
}

/** text = ":" password ":" ( directory / [ "&" ] forward *( "," forward ) ) */
function decodeText(text: string, defaults: RecordDefaults): VirtualUser {
  const end = text.indexOf('\0');
  const [password, ...rest] = (end < 0 ? text : text.slice(0, end)).slice(1).split(':');
  if (password === undefined || rest.length === 0) throw unreadable('it has no destination');
  const destination = rest.join(':');
  const isMailbox = destination.startsWith('.') || destination.startsWith('/');
  const list = destination.startsWith('&') ? destination.slice(1) : destination;
  const { hardQuota, softQuota, messageSize, messageCount, expiry } = defaults;
  return {
    password,
    directory: isMailbox ? destination : '',
    forwards: isMailbox ? [] : list.split(',').filter((forward) => forward !== ''),
    personal: '',
    hardQuota,
    softQuota,
    messageSize,
    messageCount,
    expiry,
    created: 0,
    hasMailbox: isMailbox,
    mailboxEnabled: true,
  };
}

function encodeNumber(value: number): string {
  if (value === UNLIMITED) return '-';
  if (!Number.isSafeInteger(value) || value < 0) throw new Permanent(`${value} is no limit`);
  return value > OLD_NUMBER_MAX ? `-${value}` : String(value);
}

/** Leniencies are VMailMgr's: an empty field is 0, and "-1" is unlimited like every "-" of its range. */
function decodeNumber(field: string): number {
  if (!/^-?[0-9]*$/.test(field)) throw unreadable('it has a number that is none');
  const marked = field.startsWith('-');
  const value = Number(marked ? field.slice(1) : field);
  if (!Number.isSafeInteger(value)) return UNLIMITED;
  if (marked) return value > OLD_NUMBER_MAX ? value : UNLIMITED;
  return value === OLD_NUMBER_MAX + 1 ? UNLIMITED : value;
}

function unreadable(why: string): Temporary {
  return new Temporary(`unreadable virtual user record: ${why}`);
}
