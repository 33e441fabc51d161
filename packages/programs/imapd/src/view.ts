// What a session sees of the selected mailbox: message numbers (RFC 9051, section 2.3.1.2), which change only when the
// session has told its client.

import { type NumberRange, resolveSequenceSet, type SequenceSet } from '@q/imap';
import { FLAG, type FolderMessage } from '@q/mailbox';
import { flagsLine, tellsRecent, tellsVanished, vanishedLines } from './messages/message-line.ts';
import { CommandRefused } from './refused.ts';
import type { Opened, Session } from './session.ts';

/** What a client was told at a synchronisation; the contexts of searches follow it. */
export interface Told {
  readonly arrived: readonly FolderMessage[];
  readonly changed: readonly FolderMessage[];
  readonly expunged: readonly FolderMessage[];
}

export interface View {
  readonly opened: Opened;
  /** EXAMINE, or no right to change anything. */
  readonly readOnly: boolean;
  /** The user's rights when it was selected: see messages/rights.ts. */
  readonly rights: string;
  /** By message number less 1. A message that is gone stays until its EXPUNGE was told. */
  readonly messages: readonly FolderMessage[];
  /** Of `messages`. */
  readonly count: number;
  /** Message number of the first that is not \Seen; 0: all are. */
  readonly firstUnseen: number;
  isRecent(message: FolderMessage): boolean;
  /** For RECENT. */
  readonly recentCount: number;
  /** Message number; 0 when it is not in the view. */
  numberOf(message: FolderMessage): number;
  /** The messages of a set, ascending, `$` included. A message number beyond the view is BAD (throws CommandRefused), an unknown UID nothing. */
  resolve(session: Session, set: SequenceSet, byUid: boolean): readonly FolderMessage[];
  /** Takes over what the folder knows and tells the client: EXPUNGE or VANISHED (only if `expunged`), EXISTS, RECENT, FETCH of flags. Does not look at the disk. */
  sync(session: Session, expunged: boolean): void;
  /** Messages with a change that the client has not heard of; undefined: nobody knows which. */
  untold(): ReadonlySet<FolderMessage> | undefined;
  /** The client was told of the message as it is now: sync() says nothing of it unless it changes again. */
  noteTold(message: FolderMessage): void;
  /**
   * Told what each sync() tells: `expunged` alone right before their EXPUNGE or VANISHED, while their numbers hold (RFC
   * 5267, 4.3.4); `arrived` and `changed` after EXISTS and FETCH, those included that the client heard of otherwise, as by its
   * own STORE. Returns the end of it.
   */
  onTold(heard: (told: Told) => void): () => void;
  /** Lets the folder go. */
  close(): void;
}

export class MailboxView implements View {
  readonly opened: Opened;
  readonly readOnly: boolean;
  readonly rights: string;
  /** Its first #count are the view's. The folder's own list where that is so: idle sessions hold no large mailbox of their own. */
  #list: readonly FolderMessage[];
  #count: number;
  /** Given out since the last sync(): whoever works on it is not disturbed by new messages. */
  #snapshot: readonly FolderMessage[] | undefined;
  /** Number of the message last asked for. */
  #numberedLast = 0;
  readonly #recent: Set<number>;
  /** The folder's changes up to here were looked at: told, or noted in #gone. */
  #changeCount: number;
  #modseq: number;
  #lastUid: number;
  /** Gone, and the client does not know. */
  readonly #gone = new Set<FolderMessage>();
  /** Mod-sequences told since #changeCount. */
  readonly #told = new Map<FolderMessage, number>();
  readonly #listeners = new Set<(told: Told) => void>();

  /** Of the folder as it is now. */
  constructor(opened: Opened, { readOnly, rights }: Pick<View, 'readOnly' | 'rights'>) {
    const { folder } = opened;
    this.opened = opened;
    this.readOnly = readOnly;
    this.rights = rights;
    this.#list = folder.messages;
    this.#count = folder.messages.length;
    this.#recent = new Set(readOnly ? [] : folder.takeRecent());
    this.#changeCount = folder.changeCount;
    this.#modseq = folder.highestModseq;
    this.#lastUid = this.#list.at(-1)?.uid ?? 0;
  }

  get messages(): readonly FolderMessage[] {
    this.#snapshot ??= this.#list.slice(0, this.#count);
    return this.#snapshot;
  }

  get count(): number {
    return this.#count;
  }

  get firstUnseen(): number {
    for (let index = 0; index < this.#count; index++)
      if (((this.#list[index] as FolderMessage).flags & FLAG.seen) === 0) return index + 1;
    return 0;
  }

  isRecent({ uid }: FolderMessage): boolean {
    return this.#recent.has(uid);
  }

  /** Who only looks takes none from those who come after: so it cannot say which they are. */
  get recentCount(): number {
    if (!this.readOnly) return this.#recent.size;
    const { recentCount, waiting } = this.opened.folder;
    return Math.max(0, recentCount - waiting);
  }

  numberOf({ uid }: Pick<FolderMessage, 'uid'>): number {
    // Most often the one behind the last that was asked for.
    const next = this.#numberedLast;
    const index = this.#list[next]?.uid === uid ? next : this.#indexOf(uid);
    if (index >= this.#count || this.#list[index]?.uid !== uid) return 0;
    this.#numberedLast = index + 1;
    return this.#numberedLast;
  }

  resolve(session: Session, set: SequenceSet, byUid: boolean): readonly FolderMessage[] {
    if (!byUid && session.enabled.has('UIDONLY'))
      throw new CommandRefused('BAD', 'Message numbers are turned off', 'UIDREQUIRED');
    if (set.kind === 'saved') return this.#withUids(session.savedResult);
    const count = this.#count;
    if (byUid) return this.#withUids(resolveSequenceSet(set, this.#list[count - 1]?.uid ?? 0));
    const ranges = resolveSequenceSet(set, count);
    const last = ranges.at(-1)?.[1] ?? 0;
    if (last > count) throw new CommandRefused('BAD', 'No message with this number');
    return joined(ranges.map(([from, to]) => this.#list.slice(from - 1, to)));
  }

  sync(session: Session, expunged: boolean): void {
    const { changed, untold } = this.#takeChanges();
    if (expunged && this.#gone.size > 0) this.#dropGone(session);
    const arrived = this.#takeArrived(session);
    const { messages } = this.opened.folder;
    if (this.#gone.size === 0 && messages.length === this.#count) this.#list = messages;
    this.#snapshot = undefined;
    const tells = tellsRecent(session);
    let text = '';
    for (const message of untold) {
      const recent = tells && this.isRecent(message);
      text += flagsLine(session, message, this.numberOf(message), recent);
    }
    if (text !== '') session.write(text);
    if (changed.length + arrived.length > 0) this.#notify({ arrived, changed, expunged: [] });
  }

  untold(): ReadonlySet<FolderMessage> | undefined {
    const changes = this.opened.folder.changesSince(this.#changeCount);
    if (changes === undefined) return undefined;
    return new Set(changes.filter((message) => this.#told.get(message) !== message.modseq));
  }

  noteTold(message: FolderMessage): void {
    this.#told.set(message, message.modseq);
  }

  onTold(heard: (told: Told) => void): () => void {
    this.#listeners.add(heard);
    return () => void this.#listeners.delete(heard);
  }

  close(): void {
    this.#listeners.clear();
    this.opened.release();
  }

  // --- internal ---

  #setMessages(messages: readonly FolderMessage[]): void {
    this.#list = messages;
    this.#count = messages.length;
    this.#snapshot = undefined;
  }

  /** Index of the first message with this UID or a larger one. */
  #indexOf(uid: number): number {
    const messages = this.#list;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((messages[middle] as FolderMessage).uid < uid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #withUids(ranges: readonly NumberRange[]): readonly FolderMessage[] {
    const slices: (readonly FolderMessage[])[] = [];
    for (const [first, last] of ranges) {
      const from = this.#indexOf(first);
      const to = this.#indexOf(last + 1);
      if (to > from) slices.push(this.#list.slice(from, to));
    }
    return joined(slices);
  }

  /** Those that changed, by number, and which of them the client does not know as they are. Those gone are put aside. */
  #takeChanges(): {
    readonly changed: readonly FolderMessage[];
    readonly untold: readonly FolderMessage[];
  } {
    const { folder } = this.opened;
    if (folder.changeCount === this.#changeCount) {
      this.#told.clear();
      return { changed: [], untold: [] };
    }
    const before = this.#modseq;
    const candidates =
      folder.changesSince(this.#changeCount) ??
      this.messages.filter(({ modseq, gone }) => gone || modseq > before);
    const changed: FolderMessage[] = [];
    for (const message of candidates) {
      if (this.numberOf(message) === 0) continue;
      if (message.gone) this.#gone.add(message);
      else changed.push(message);
    }
    changed.sort((a, b) => a.uid - b.uid);
    const untold = changed.filter((message) => this.#told.get(message) !== message.modseq);
    this.#told.clear();
    this.#changeCount = folder.changeCount;
    this.#modseq = folder.highestModseq;
    return { changed, untold };
  }

  /** Tells of those gone, and forgets them. */
  #dropGone(session: Session): void {
    const gone = [...this.#gone].sort((a, b) => a.uid - b.uid);
    this.#notify({ arrived: [], changed: [], expunged: gone });
    if (tellsVanished(session)) session.write(vanishedLines(gone.map(({ uid }) => uid)));
    else {
      // From the last to the first: each number is as it was before.
      let text = '';
      for (let i = gone.length - 1; i >= 0; i--)
        text += `* ${this.numberOf(gone[i] as FolderMessage)} EXPUNGE\r\n`;
      session.write(text);
    }
    this.#setMessages(this.messages.filter((message) => !this.#gone.has(message)));
    for (const { uid } of gone) this.#recent.delete(uid);
    this.#gone.clear();
  }

  #notify(told: Told): void {
    for (const heard of this.#listeners) heard(told);
  }

  /** New messages have larger UIDs than all before. */
  #takeArrived(session: Session): readonly FolderMessage[] {
    const { folder } = this.opened;
    const last = folder.messages.at(-1)?.uid ?? 0;
    if (last <= this.#lastUid) return [];
    const arrived = folder.messages.slice(folder.indexOf(this.#lastUid + 1));
    this.#setMessages(this.messages.concat(arrived));
    this.#lastUid = last;
    // One that came and went before anybody was told is no message.
    if (!this.readOnly)
      for (const uid of folder.takeRecent()) if (this.numberOf({ uid }) > 0) this.#recent.add(uid);
    session.untagged(`${this.#count} EXISTS`);
    if (tellsRecent(session)) session.untagged(`${this.recentCount} RECENT`);
    return arrived;
  }
}

function joined(slices: readonly (readonly FolderMessage[])[]): readonly FolderMessage[] {
  return slices.length === 1 ? (slices[0] as readonly FolderMessage[]) : slices.flat();
}

/**
 * New mail is made messages when the mailbox is looked at. One's own also by EXAMINE: what waits in new/ has no UID, and a
 * client that only reads would not see it. It stays \Recent for who selects the mailbox next.
 */
export function takesNew({ readOnly, opened }: Pick<View, 'readOnly' | 'opened'>): boolean {
  return !readOnly || opened.place.space === 'personal';
}
