// A selected mailbox in memory for tests: its messages are parsed as a cache would do it, and searched by reading all of them.

import { asciiEqual } from '@q/bytes';
import type { FolderCache, MessageFacts, SearchScope } from '@q/mail-cache';
import type { Folder, FolderMessage } from '@q/mailbox';
import {
  bufferSource,
  casemap,
  decodeHeader,
  type Envelope,
  messageIds,
  messageText,
  parseMessage,
  parseSentDate,
} from '@q/mime';
import type { Opened } from '../../session.ts';

/** A message as a test writes it. */
export interface Mail {
  /** Lines end in LF. */
  readonly text: string | Buffer;
  readonly time?: number;
  readonly saved?: number;
  readonly flags?: number;
  readonly keywords?: readonly string[];
}

/** Writable, as the folder has it. */
export type HeldMessage = { -readonly [Key in keyof FolderMessage]: FolderMessage[Key] };

interface Held {
  readonly text: Buffer;
  readonly facts: MessageFacts;
}

export class TestMailbox {
  messages: HeldMessage[] = [];
  readonly #held = new Map<FolderMessage, Held>();
  readonly #changes: HeldMessage[] = [];
  #modseq = 0;
  /** Facts are not remembered: each time they are read anew. */
  forgetful = false;
  /** What was looked for, and in how many messages. */
  readonly searches: { readonly scope: SearchScope; readonly messages: number }[] = [];
  /** What search() and loadFacts() throw. */
  trouble: Error | undefined;

  async add({ text, time, saved, flags = 0, keywords = [] }: Mail): Promise<HeldMessage> {
    this.#modseq += 1;
    const uid = (this.#changes.findLast((message) => !message.gone)?.uid ?? 0) + 1;
    const message: HeldMessage = {
      uid: Math.max(uid, (this.messages.at(-1)?.uid ?? 0) + 1),
      base: `${this.#modseq}.test`,
      flags,
      keywords,
      modseq: this.#modseq,
      gone: false,
    };
    const bytes = Buffer.from(text);
    const arrived = time ?? message.uid * 1000;
    this.#held.set(message, {
      text: bytes,
      facts: await factsOf(bytes, message.uid, arrived, saved),
    });
    this.messages.push(message);
    this.#changes.push(message);
    return message;
  }

  change(
    message: HeldMessage,
    to: Partial<Pick<HeldMessage, 'flags' | 'keywords' | 'gone'>>,
  ): void {
    this.#modseq += 1;
    Object.assign(message, to, { modseq: this.#modseq });
    if (message.gone) this.messages = this.messages.filter((one) => one !== message);
    this.#changes.push(message);
  }

  factsOf(message: FolderMessage): MessageFacts {
    return this.#of(message).facts;
  }

  /** Whether the text is there, found by reading. */
  async holds(message: FolderMessage, scope: SearchScope, value: string): Promise<boolean> {
    const { text } = this.#of(message);
    const wanted = casemap(value);
    if (scope.kind === 'header')
      return fieldsOf(text, scope.name).some((field) => casemap(field).includes(wanted));
    const parsed = await parseMessage([text]);
    const pieces: string[] = [];
    for await (const piece of messageText(bufferSource(text), parsed, {
      header: scope.kind === 'text',
    }))
      pieces.push(piece.begins ? `\0${piece.text}` : piece.text);
    return casemap(pieces.join('')).includes(wanted);
  }

  /** What MailboxView and the commands use of a folder and its cache. */
  opened(): Opened {
    const mailbox = this;
    const folder = {
      get messages() {
        return mailbox.messages;
      },
      get highestModseq() {
        return mailbox.#modseq;
      },
      get changeCount() {
        return mailbox.#changes.length;
      },
      changesSince: (count: number) => [...new Set(mailbox.#changes.slice(count))],
      indexOf: (uid: number) => mailbox.messages.filter((message) => message.uid < uid).length,
      takeRecent: () => [],
      recentCount: 0,
      waiting: 0,
    };
    return {
      folder: folder as unknown as Folder,
      cache: this.#cache() as FolderCache,
      release: () => {},
    } as unknown as Opened;
  }

  #cache(): Pick<FolderCache, 'facts' | 'loadFacts' | 'search'> {
    return {
      facts: (message) => (this.forgetful ? undefined : this.factsOf(message)),
      loadFacts: async (message) => {
        if (this.trouble !== undefined) throw this.trouble;
        return message.gone ? undefined : this.factsOf(message);
      },
      search: async (messages, scope, value, progress) => {
        if (this.trouble !== undefined) throw this.trouble;
        this.searches.push({ scope, messages: messages.length });
        const found = new Set<FolderMessage>();
        for (const [done, message] of messages.entries()) {
          if (!message.gone && (await this.holds(message, scope, value))) found.add(message);
          progress?.(done);
        }
        return found;
      },
    };
  }

  #of(message: FolderMessage): Held {
    const held = this.#held.get(message);
    if (held === undefined) throw new Error('no such message');
    return held;
  }
}

async function factsOf(
  bytes: Buffer,
  uid: number,
  time: number,
  saved: number | undefined,
): Promise<MessageFacts> {
  const parsed = await parseMessage([bytes]);
  const envelope = parsed.root.envelope as Envelope;
  const inReplyTo = messageIds(envelope.inReplyTo ?? '').slice(0, 1);
  return {
    size: parsed.size,
    crlfSize: parsed.crlfSize,
    time,
    saved: saved ?? time,
    emailId: `M${uid}`,
    threadId: `T${uid}`,
    envelope,
    sent: envelope.date === undefined ? undefined : parseSentDate(envelope.date)?.time,
    references: parsed.references.length > 0 ? parsed.references : inReplyTo,
  };
}

/** Decoded values of the fields with this name. */
function fieldsOf(text: Buffer, name: string): string[] {
  const latin1 = text.toString('latin1');
  const end = latin1.indexOf('\n\n');
  const header = (end < 0 ? latin1 : latin1.slice(0, end + 1)).replace(/\n(?=[ \t])/g, '');
  return header
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const)
    .filter(([field, value]) => asciiEqual(field, name) && value !== undefined)
    .map(([, value]) => decodeHeader(value.trim()));
}
