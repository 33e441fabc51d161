// The reply itself: RFC 3834, section 3; its thread: RFC 5322, section 3.6.4.

import { quoteAddress, splitAddress } from '@q/address';
import { asciiLower } from '@q/bytes';
import { rfc822Date } from '@q/message';
import type { Field } from '@q/rfc822';
import { MESSAGE_ID_MAX, REFERENCES_MAX, REPEATED_SUBJECT_MAX } from './limits.ts';
import type { ReplyText } from './text.ts';

/** What a reply takes over from the message. Field bodies, latin1. */
export class Original {
  readonly #seen = new Map<string, string>();

  look({ key, body }: Field): void {
    if (REPEATED.has(key) && !this.#seen.has(key)) this.#seen.set(key, body);
  }

  /** One line without controls; undefined if there is none worth repeating. */
  get subject(): string | undefined {
    const text = (this.#seen.get('subject') ?? '').replace(/[\x00-\x20\x7f]+/g, ' ').trim();
    return text === '' || text.length > REPEATED_SUBJECT_MAX ? undefined : text;
  }

  get messageId(): string | undefined {
    return idsOf(this.#seen.get('message-id'))[0];
  }

  /** The thread up to and with the message: its References, else its In-Reply-To if that is one, then itself. */
  get thread(): readonly string[] {
    const before = idsOf(this.#seen.get('in-reply-to'));
    const references = idsOf(this.#seen.get('references'));
    const parents = references.length > 0 || before.length > 1 ? references : before;
    const ids = this.messageId === undefined ? parents : [...parents, this.messageId];
    const [first, ...rest] = ids;
    return first === undefined ? [] : [first, ...rest.slice(1 - REFERENCES_MAX)];
  }
}

const REPEATED = new Set(['subject', 'message-id', 'in-reply-to', 'references']);

function idsOf(body = ''): string[] {
  return (body.match(/<[^<>\x00-\x20\x7f-\xff]+>/g) ?? []).filter(
    (id) => id.length <= MESSAGE_ID_MAX,
  );
}

export interface ReplyParts {
  /** Ours; who the reply is from unless the text says it. Latin1, as are all addresses. */
  readonly address: string;
  /** The envelope sender of the message: RFC 3834, section 4. */
  readonly to: string;
  readonly text: ReplyText;
  readonly original: Original;
  /** Unix time in seconds. */
  readonly now: number;
  readonly pid: number;
  /** A word for the Message-ID: the program that replies. */
  readonly program: string;
}

/** The whole message, latin1. */
export function composeReply({
  address,
  to,
  text,
  original,
  now,
  pid,
  program,
}: ReplyParts): string {
  const { fields, body } = text;
  const { messageId, thread, subject } = original;
  const lines = [
    `Date: ${rfc822Date(now)}\n`,
    `Message-ID: <${now}.${pid}.${program}@${idDomain(address)}>\n`,
    fields.get('from') ?? `From: ${angled(address)}\n`,
    `To: ${angled(to)}\n`,
    fields.get('subject') ?? `Subject: Auto: ${subject ?? 'your message'}\n`,
    messageId === undefined ? '' : `In-Reply-To: ${messageId}\n`,
    thread.length === 0 ? '' : `References: ${thread.join('\n ')}\n`,
    'Auto-Submitted: auto-replied\n',
  ];
  for (const [name, field] of fields) if (name !== 'from' && name !== 'subject') lines.push(field);
  if (!fields.has('content-type') && !fields.has('mime-version') && /[\x80-\xff]/.test(body))
    lines.push(...EIGHT_BIT);
  return `${lines.join('')}\n${body}`;
}

const EIGHT_BIT = [
  'MIME-Version: 1.0\n',
  'Content-Type: text/plain; charset=utf-8\n',
  'Content-Transfer-Encoding: 8bit\n',
];

function angled(address: string): string {
  return `<${quoteAddress(address).replaceAll('\n', '_')}>`;
}

function idDomain(address: string): string {
  const domain = asciiLower(splitAddress(address).domain ?? '');
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(domain) ? domain : 'localhost';
}
