// What is remembered of messages so that their files need not be opened: rebuildable at any time, the files are the truth.

import type { ChangeStore, Folder, FolderMessage } from '@q/mailbox';
import type { Envelope, Message } from '@q/mime';

/** The short facts of a message: what SORT, THREAD, header searches and FETCH of sizes and dates need. */
export interface MessageFacts {
  /** Bytes in the file, and as sent with CRLF: RFC822.SIZE. */
  readonly size: number;
  readonly crlfSize: number;
  /** INTERNALDATE in milliseconds. */
  readonly time: number;
  /** When this server first saw it in this folder, in milliseconds: SAVEDATE (RFC 8514). */
  readonly saved: number;
  /** RFC 8474; made of the content, so a copy has the same. */
  readonly emailId: string;
  /** Made of the first message id of the conversation. */
  readonly threadId: string;
  readonly envelope: Envelope;
  /** Sent date (RFC 5256, section 2.2) in milliseconds UTC, undefined when there is none that can be read. */
  readonly sent: number | undefined;
  /** Message ids of References, else of In-Reply-To (RFC 5256), the parent last. */
  readonly references: readonly string[];
}

/** The memory of one folder. */
export interface FolderCache {
  /** The facts when they are remembered; at once. */
  facts(message: FolderMessage): MessageFacts | undefined;
  /** The facts, read from the file when not remembered. Undefined: the message is gone. */
  loadFacts(message: FolderMessage): Promise<MessageFacts | undefined>;
  /** The whole structure, ditto. */
  structure(message: FolderMessage): Message | undefined;
  loadStructure(message: FolderMessage): Promise<Message | undefined>;
  /** What the Renderer made of the message, when that or what it is made of is remembered; at once. Its bytes stay as they are. */
  rendering(message: FolderMessage): Buffer | undefined;
  /**
   * Of `messages` those with `value` as a substring as SEARCH means it: i;unicode-casemap'd, decoded (RFC 2047, transfer
   * encodings, charsets). `scope`: body = BODY, text = TEXT (header and body), else the name of a header field.
   * An empty value: all (of a field: those that have the field). Equal to reading all of them, always. Gone ones are left out.
   * `progress` is told how many are done, now and then; it may throw, to end the search.
   */
  search(
    messages: readonly FolderMessage[],
    scope: SearchScope,
    value: string,
    progress?: (done: number) => void,
  ): Promise<ReadonlySet<FolderMessage>>;
  /** PREVIEW (RFC 8970), UTF-8 text; undefined: gone. */
  preview(message: FolderMessage): Promise<string | undefined>;
}

/** Makes of a message what the cache's user wants ready-made, such as a server's answers: kept like the facts. */
export interface Renderer {
  /** The first byte of all that render() gives; what begins otherwise is made anew. */
  readonly version: number;
  render(facts: MessageFacts, structure: Message): Buffer;
}

export type SearchScope =
  | { readonly kind: 'body' | 'text' }
  | { readonly kind: 'header'; readonly name: string };

/** One Maildir's memory, all its folders. */
export interface AccountCache {
  /** The one of `folder`, whose mailboxId is the key; the same object while it is open. */
  folder(folder: Pick<Folder, 'mailboxId' | 'open'>): FolderCache;
  /** For the opener of a folder, which needs it before there is one. */
  changes(mailboxId: string): ChangeStore;
  /** Forgets a folder. */
  drop(mailboxId: string): void;
  close(): Promise<void>;
}
