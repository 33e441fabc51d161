// A folder whose every change a test decides: messages in memory, their files in a directory that the test gives.

import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FolderCache, MessageFacts } from '@q/mail-cache';
import {
  type Copied,
  FLAG,
  type FlagChange,
  type FlagsChanged,
  type Folder,
  type FolderMessage,
  type LeftBehind,
  type NewMessage,
  type OpenMessage,
  type Spool,
} from '@q/mailbox';
import { type Message, parseMessage } from '@q/mime';
import { afterAll } from 'vitest';
import { messageRenderer } from '../rendering.ts';

/** Of one test file's folders. */
const base = mkdtempSync(join(tmpdir(), 'imapd-folders-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Writable, as the folder has it. */
export type HeldMessage = { -readonly [Key in keyof FolderMessage]: FolderMessage[Key] };

export class MemoryFolder implements Folder {
  readonly dir = mkdtempSync(join(base, 'folder-'));
  readonly uidValidity = 1_700_000_000;
  readonly mailboxId = 'box1';
  messages: HeldMessage[] = [];
  keywords: string[] = [];
  acceptsKeywords = true;
  uidNext = 1;
  highestModseq = 1000;
  waiting = 0;
  /** How many changes are remembered; 0: none, so that users compare all. */
  memory = Number.POSITIVE_INFINITY;
  /** Called before a store, an expunge or an open is done. */
  before: (what: 'store' | 'expunge' | 'open') => void = () => {};
  readonly stores: number[] = [];
  readonly opens: number[] = [];
  readonly #changes: HeldMessage[] = [];
  #recent: number[] = [];
  #vanished: [number, number][] = [];

  add(text: string | Buffer, flags = 0, keywords: readonly string[] = []): HeldMessage {
    const uid = this.uidNext++;
    const message = { uid, base: `m${uid}`, flags, keywords, modseq: 0, gone: false };
    this.keywords = [...new Set([...this.keywords, ...keywords])];
    writeFileSync(this.path(message), text);
    this.messages.push(message);
    this.#recent.push(uid);
    this.touch(message);
    return message;
  }

  path({ base }: Pick<FolderMessage, 'base'>): string {
    return join(this.dir, base);
  }

  /** As if another session or program had changed it. */
  touch(
    message: HeldMessage,
    to: Partial<Pick<HeldMessage, 'flags' | 'keywords' | 'gone'>> = {},
  ): void {
    Object.assign(message, to, { modseq: ++this.highestModseq });
    if (message.gone) {
      this.messages = this.messages.filter((one) => one !== message);
      this.#vanished.push([message.modseq, message.uid]);
    }
    this.#changes.push(message);
  }

  get changeCount(): number {
    return this.#changes.length;
  }

  get recentCount(): number {
    return this.#recent.length;
  }

  takeRecent(): readonly number[] {
    return this.#recent.splice(0);
  }

  find(uid: number): FolderMessage | undefined {
    return this.messages.find((message) => message.uid === uid);
  }

  indexOf(uid: number): number {
    return this.messages.filter((message) => message.uid < uid).length;
  }

  async refresh(): Promise<void> {}

  changesSince(count: number): readonly FolderMessage[] | undefined {
    if (this.changeCount - count > this.memory) return undefined;
    return [...new Set(this.#changes.slice(count))];
  }

  watch(): () => void {
    return () => {};
  }

  /** By turns at once and later, as both happens. */
  open(message: FolderMessage) {
    return this.opens.length % 2 === 0 ? this.#openNow(message) : this.#openLater(message);
  }

  async #openLater(message: FolderMessage) {
    return this.#openNow(message);
  }

  #openNow(message: FolderMessage): OpenMessage | undefined {
    this.before('open');
    this.opens.push(message.uid);
    if (message.gone) return undefined;
    const fd = openSync(this.path(message), 'r');
    return { fd, size: readFileSync(this.path(message)).length, time: message.uid * 86_400_000 };
  }

  async store(
    messages: readonly FolderMessage[],
    change: FlagChange,
    unchangedSince = Number.POSITIVE_INFINITY,
  ): Promise<FlagsChanged> {
    this.before('store');
    this.stores.push(messages.length);
    const done = {
      stored: [] as HeldMessage[],
      modified: [] as HeldMessage[],
      gone: [] as HeldMessage[],
    };
    for (const message of messages as readonly HeldMessage[]) {
      if (message.gone) done.gone.push(message);
      else if (message.modseq > unchangedSince) done.modified.push(message);
      else done.stored.push(message);
    }
    const known = new Set([
      ...this.keywords,
      ...(change.change === 'remove' ? [] : change.keywords),
    ]);
    this.keywords = [...known];
    for (const message of done.stored) {
      const to = changed(message, change);
      if (to.flags !== message.flags || String(to.keywords) !== String(message.keywords))
        this.touch(message, to);
    }
    return done;
  }

  async expunge(messages: readonly FolderMessage[]): Promise<readonly FolderMessage[]> {
    this.before('expunge');
    for (const message of messages) this.touch(message as HeldMessage, { gone: true });
    return messages;
  }

  async spool(): Promise<MemorySpool> {
    return new MemorySpool();
  }

  async deliver(messages: readonly NewMessage[]): Promise<readonly FolderMessage[]> {
    return messages.map(({ spool, flags, keywords, time }) => {
      const message = this.add((spool as MemorySpool).bytes, flags, keywords);
      this.times.set(message.uid, time);
      return message;
    });
  }

  /** INTERNALDATEs that were asked for. */
  readonly times = new Map<number, number | undefined>();

  async take(
    source: Folder,
    messages: readonly FolderMessage[],
    how: 'copy' | 'move',
    _progress?: (done: number) => void,
    without: LeftBehind = { flags: 0, keywords: false },
  ): Promise<readonly Copied[]> {
    const from = source as MemoryFolder;
    const copied = messages.map((message) => ({
      from: message,
      to: this.add(
        readFileSync(from.path(message)),
        message.flags & ~without.flags,
        without.keywords ? [] : message.keywords,
      ) as FolderMessage,
    }));
    if (how === 'move')
      for (const message of messages) from.touch(message as HeldMessage, { gone: true });
    return copied;
  }

  vanishedSince(since: number): readonly (readonly [number, number])[] {
    return this.#vanished
      .filter(([modseq]) => modseq > since)
      .map(([, uid]) => uid)
      .sort((a, b) => a - b)
      .map((uid) => [uid, uid] as const);
  }
}

function changed(before: FolderMessage, { change, flags, keywords }: FlagChange) {
  const kept = before.keywords.filter((keyword) => !keywords.includes(keyword));
  switch (change) {
    case 'replace':
      return { flags: (before.flags & FLAG.passed) | flags, keywords: [...keywords].sort() };
    case 'add':
      return { flags: before.flags | flags, keywords: [...kept, ...keywords].sort() };
    case 'remove':
      return { flags: before.flags & ~flags, keywords: kept };
  }
}

export class MemorySpool implements Spool {
  bytes: Buffer = Buffer.alloc(0);
  discarded = false;

  get size(): number {
    return this.bytes.length;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    // Pieces of every size, so that nothing may rely on where they end.
    for (let at = start, step = 1; at < end; at += step++)
      yield Buffer.from(this.bytes.subarray(at, Math.min(end, at + step)));
  }

  async discard(): Promise<void> {
    this.discarded = true;
  }
}

/** Remembers what was asked for before, as a cache does. */
export class MemoryCache implements FolderCache {
  readonly #folder: MemoryFolder;
  readonly #facts = new Map<FolderMessage, MessageFacts>();
  readonly #structures = new Map<FolderMessage, Message>();

  constructor(folder: MemoryFolder) {
    this.#folder = folder;
  }

  facts(message: FolderMessage): MessageFacts | undefined {
    return this.#facts.get(message);
  }

  structure(message: FolderMessage): Message | undefined {
    return this.#structures.get(message);
  }

  rendering(message: FolderMessage): Buffer | undefined {
    const facts = this.facts(message);
    const structure = this.structure(message);
    return facts && structure && messageRenderer.render(facts, structure);
  }

  async loadStructure(message: FolderMessage): Promise<Message | undefined> {
    if (message.gone) return undefined;
    const parsed = await parseMessage([readFileSync(this.#folder.path(message))]);
    this.#structures.set(message, parsed);
    return parsed;
  }

  async loadFacts(message: FolderMessage): Promise<MessageFacts | undefined> {
    const parsed = await this.loadStructure(message);
    if (parsed?.root.envelope === undefined) return undefined;
    const { size, crlfSize, references, root } = parsed;
    const day = 86_400_000;
    const facts: MessageFacts = {
      size,
      crlfSize,
      time: message.uid * day,
      saved: message.uid * day + 1000,
      emailId: `M${message.uid}`,
      threadId: `T${message.uid}`,
      envelope: root.envelope as MessageFacts['envelope'],
      sent: undefined,
      references,
    };
    this.#facts.set(message, facts);
    return facts;
  }

  async search(): Promise<ReadonlySet<FolderMessage>> {
    return new Set();
  }

  async preview(message: FolderMessage): Promise<string | undefined> {
    return message.gone ? undefined : `é ${message.uid}`;
  }
}
