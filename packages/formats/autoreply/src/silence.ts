// When an automatic reply must not be sent: RFC 3834, section 2, and what automatic senders do in practice.

import { asciiEqual, asciiLower } from '@q/bytes';
import { type Field, parseAddressList } from '@q/rfc822';
import { REPLY_ADDRESS_MAX } from './limits.ts';

/** Why this envelope sender (latin1) gets no reply; undefined if it may. */
export function senderSilence(sender: string, own: readonly string[]): string | undefined {
  if (sender === '' || sender === '#@[]') return 'it is a bounce';
  if (sender.length > REPLY_ADDRESS_MAX) return 'the sender is too long';
  if (/[\x00-\x20\x7f]/.test(sender) || !/.@./.test(sender)) return 'the sender is no address';
  if (own.some((address) => asciiEqual(address, sender))) return 'it is from here';
  const box = asciiLower(sender.slice(0, sender.lastIndexOf('@')));
  if (MACHINES.some((machine) => machine.test(box))) return 'the sender is a program';
  return undefined;
}

/** Boxes that programs and mailing lists send from. */
const MACHINES = [
  /^mailer-daemon$/,
  /^postmaster$/, // bounces of systems that do not know the empty sender
  /^owner-/,
  /-owner$/,
  /-request$/,
  /-bounces?(?:[-+].*)?$/, // mailman, with VERP
  /-return-.*=/, // ezmlm's VERP
  /^(?:majordomo|listserv|listproc|ezmlm)$/,
  /^(?:no|do-?not)-?_?reply(?:[-+].*)?$/,
  /^anonymous$/,
];

/** Looks at the header fields one by one. */
export class HeaderSilence {
  readonly #own: readonly string[];
  #reason: string | undefined;
  #addressed = false;

  /** `own`: the addresses, latin1, of which one must be in To or Cc. */
  constructor(own: readonly string[]) {
    this.#own = own;
  }

  look(field: Field): void {
    if (RECIPIENT_FIELDS.has(field.key))
      this.#addressed ||= (parseAddressList(field.body) ?? []).some((to) =>
        this.#own.some((address) => asciiEqual(address, to)),
      );
    const says = ROWS.find(({ name, value }) => name.test(field.key) && value.test(plain(field)));
    this.#reason ??= says && `${field.name}: ${plain(field).slice(0, 60)}`;
  }

  /** Why there is no reply; undefined if there may be one. To be asked when all fields have been seen. */
  get reason(): string | undefined {
    return this.#reason ?? (this.#addressed ? undefined : 'it is not addressed to here');
  }
}

const RECIPIENT_FIELDS = new Set(['to', 'cc', 'resent-to', 'resent-cc']);

/** A field with this name and value says: do not reply. Both are in lower case. */
const ROWS = [
  { name: /^auto-submitted$/, value: /^(?!no$)/ },
  { name: /^precedence$/, value: /^(?:bulk|junk|list)$/ },
  { name: /^(?:list-.*|mailing-list)$/, value: /^/ }, // RFC 2369, RFC 2919; ezmlm
  { name: /^x-auto-response-suppress$/, value: /(?:all|oof|autoreply)/ }, // Exchange
  { name: /^x-(?:autoreply|autorespond|autoresponder)$/, value: /^/ },
  { name: /^x-spam-flag$/, value: /^yes/ }, // its sender is forged, as a rule
] as const;

/** The value without comments, parameters and blanks around it, in lower case, fit for a log. */
function plain({ body }: Field): string {
  const text = body.replace(/\([^()]*\)/g, ' ').replace(/;.*/s, '');
  return asciiLower(text.replace(/[^!-~]+/g, ' ').trim());
}
