// The header of one message on its way through qmail-inject: fields go in one by one, and at the end the new header
// and what it says of the envelope come out. qmail-header(5). Nothing here reads or writes.

import { quoteAddress } from '@q/address';
import { asciiLower } from '@q/bytes';
import { Temporary } from '@q/fault';
import {
  type Field,
  formatField,
  parseField,
  plainText,
  rewriteAddressList,
  type Token,
  tokenize,
} from '@q/rfc822';
import { KNOWN_FIELDS, type KnownField } from './known-fields.ts';
import { HEADER_ADDRESSES_MAX } from './limits.ts';
import {
  dateField,
  defaultSender,
  fromField,
  messageIdField,
  unparsable,
  withVerp,
} from './own-fields.ts';
import { rewriteAddress } from './rewrite.ts';
import type { Settings } from './settings.ts';

export interface NewHeader {
  /** Added fields, then those of the message; latin1, each with its LF. */
  readonly fields: Iterable<string>;
  /** The one given, else Return-Path, else the user's default. */
  readonly sender: string;
  /** What the header's recipient fields say: last address first, as qmail has them. */
  readonly recipients: readonly string[];
  /** A recipient field of those that count which could not be read, and so was left as it is. */
  readonly unread?: string;
}

type Recipients = 'recipients' | 'resent recipients';

const NOBODY = 'recipient list not shown: ;\n';

export class HeaderRewriter {
  readonly #settings: Settings;
  readonly #seen = new Set<string>();
  readonly #kept: string[] = [];
  readonly #recipients = { recipients: [] as string[], 'resent recipients': [] as string[] };
  readonly #unread = new Map<string, string>();
  /** The addresses of To and Cc, in the order of #recipients. */
  readonly #followUps: string[] = [];
  #resent = false;
  #count = 0;
  #sender: string | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The next field. Throws Permanent when one that names a sender cannot be read. */
  field(text: string): void {
    const field = parseField(text);
    const known = field === undefined ? undefined : KNOWN_FIELDS.get(field.key);
    if (field === undefined || known === undefined) {
      this.#kept.push(text);
      return;
    }
    if (this.#isIgnored(field.key)) return;
    this.#seen.add(field.key);
    if (known.resent) this.#resent = true;
    const rewritten = known.addresses === undefined ? text : this.#rewritten(text, field, known);
    if (!known.removed) this.#kept.push(rewritten);
  }

  /** The header is complete. `given` is a sender that goes before the header's. */
  finish(given?: string): NewHeader {
    const kind: Recipients = this.#resent ? 'resent recipients' : 'recipients';
    const unread = this.#unread.get(kind);
    return {
      fields: [...this.#added(), ...this.#kept],
      sender: given ?? this.#sender ?? defaultSender(this.#settings),
      recipients: this.#recipients[kind],
      ...(unread === undefined ? {} : { unread }),
    };
  }

  #isIgnored(key: string): boolean {
    const { flags } = this.#settings;
    return (
      (key === 'from' && flags.ignoreFrom) ||
      (key === 'message-id' && flags.ignoreMessageId) ||
      (key === 'return-path' && flags.ignoreReturnPath)
    );
  }

  #rewritten(text: string, field: Field, known: KnownField): string {
    const kind = known.addresses;
    const read = this.#read(field.body);
    if (kind === 'recipients' || kind === 'resent recipients') {
      if (read === undefined) {
        if (!this.#unread.has(kind)) this.#unread.set(kind, text);
        return text;
      }
      append(this.#recipients[kind], read.addresses);
      if (known.followUp) append(this.#followUps, read.addresses);
    } else if (read === undefined) {
      throw unparsable(text);
    } else if (kind === 'return path' && read.addresses[0] !== undefined) {
      this.#sender ??= withVerp(read.addresses[0], this.#settings);
    }
    return formatField(field.name, read.list);
  }

  /** The list with full addresses, and these as an envelope has them. Undefined also for a NUL: no envelope can hold one. */
  #read(body: string): { list: Token[]; addresses: string[] } | undefined {
    const tokens = tokenize(body);
    if (tokens === undefined) return undefined;
    const addresses: string[] = [];
    const list = rewriteAddressList(tokens, (given) => {
      const address = rewriteAddress(given, this.#settings.defaults);
      addresses.push(plainText(address));
      if (++this.#count > HEADER_ADDRESSES_MAX) throw new Temporary('out of memory');
      return address;
    });
    if (list === undefined || addresses.some((address) => address.includes('\0'))) return undefined;
    return { list, addresses };
  }

  /** What the message lacks. A resent one gets the Resent- fields, and no others. */
  *#added(): Generator<string> {
    const prefix = this.#resent ? 'Resent-' : '';
    const lacks = (name: string) => !this.#seen.has(asciiLower(prefix + name));
    if (lacks('Date')) yield prefix + dateField(this.#settings);
    if (lacks('Message-ID')) yield prefix + messageIdField(this.#settings);
    if (lacks('From')) yield prefix + fromField(this.#settings);
    if (lacks('To') && lacks('Cc')) yield `${prefix}Cc: ${NOBODY}`;
    if (!this.#resent && lacks('Mail-Followup-To')) yield* this.#followUp();
  }

  /** Where answers should go, if the message goes to a mailing list. */
  *#followUp(): Generator<string> {
    const { lists } = this.#settings;
    if (lists === undefined) return;
    if (!this.#followUps.some((address) => lists.has(asciiLower(address)))) return;
    yield `Mail-Followup-To: ${this.#followUps.toReversed().map(quoteAddress).join(',\n  ')}\n`;
  }
}

function append(list: string[], more: readonly string[]): void {
  for (const item of more) list.push(item);
}
