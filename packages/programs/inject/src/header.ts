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
  tokenize,
} from '@q/rfc822';
import { KNOWN_FIELDS, type KnownField } from './known-fields.ts';
import { HEADER_RECIPIENTS_MAX } from './limits.ts';
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
  /** Return-Path, or the user's default. */
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

  /** The header is complete. */
  finish(): NewHeader {
    const kind: Recipients = this.#resent ? 'resent recipients' : 'recipients';
    const unread = this.#unread.get(kind);
    return {
      fields: [...this.#added(), ...this.#kept],
      sender: this.#sender ?? defaultSender(this.#settings),
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
    const addresses: string[] = [];
    const tokens = tokenize(field.body);
    const list =
      tokens &&
      rewriteAddressList(tokens, (given) => {
        const address = rewriteAddress(given, this.#settings.defaults);
        addresses.push(plainText(address));
        return address;
      });
    // No envelope can hold a NUL.
    const readable = list !== undefined && !addresses.some((address) => address.includes('\0'));
    switch (known.addresses) {
      case 'recipients':
      case 'resent recipients':
        if (!readable) {
          if (!this.#unread.has(known.addresses)) this.#unread.set(known.addresses, text);
          return text;
        }
        append(this.#recipients[known.addresses], addresses);
        if (this.#recipients[known.addresses].length > HEADER_RECIPIENTS_MAX)
          throw new Temporary('out of memory');
        if (known.followUp) append(this.#followUps, addresses);
        break;
      case 'return path':
        if (readable && addresses[0] !== undefined)
          this.#sender ??= withVerp(addresses[0], this.#settings);
        break;
      default:
    }
    if (!readable) throw unparsable(text);
    return formatField(field.name, list);
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
