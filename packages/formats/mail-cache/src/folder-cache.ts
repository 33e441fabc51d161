// What is known of one folder's messages: their records, read from their files when they are not there yet, and hits of searches.

import type { Folder, FolderMessage, OpenMessage } from '@q/mailbox';
import { decodeMessage, type Message, previewOf } from '@q/mime';
import { BASE_MAX } from './block.ts';
import { decodeFacts } from './facts.ts';
import type { FolderRecords } from './folder-records.ts';
import { COMPACT_AFTER, PENDING_MAX } from './limits.ts';
import { Loads, type OpenFile } from './loads.ts';
import type { MessageReader } from './message-reader.ts';
import type { FolderCache, MessageFacts, Renderer, SearchScope } from './model.ts';
import { type Parsed, parseFile } from './parse-facts.ts';
import { findHit, type Query, queryOf } from './query.ts';
import { Search, type UnknownPart } from './search.ts';
import type { Part } from './searched-text.ts';
import { isHitInFile, TextReader } from './text-reader.ts';
import type { ReadRecords, Wish } from './thread-records.ts';
import { Turns } from './turns.ts';

export interface FolderCacheParts {
  readonly folder: Pick<Folder, 'open'>;
  readonly records: FolderRecords;
  /** UIDs of the folder's messages, as far as they were noted. */
  readonly alive: () => ReadonlySet<number>;
  readonly now: () => number;
  /** Undefined: nobody wants renderings. */
  readonly renderer: Renderer | undefined;
  /** Undefined: all is read here. */
  readonly reader: MessageReader | undefined;
  /** Something waits to be written; `atOnce`: a lot. */
  readonly added: (atOnce: boolean) => void;
}

/** What a message's file was read for. */
interface Known {
  readonly facts: MessageFacts;
  structure(): Message;
}

interface Read extends Parsed {
  /** The searched text of its header; undefined when it is too long. */
  readonly header: Buffer | undefined;
}

export class CachedFolder implements FolderCache {
  readonly #parts: FolderCacheParts;
  readonly #records: FolderRecords;
  readonly #loads: Loads;
  readonly #reader = new TextReader();
  #compactedAt = 0;
  /** Files that are being read, by UID. */
  readonly #reading = new Map<number, Promise<Known | undefined>>();

  constructor(parts: FolderCacheParts) {
    this.#parts = parts;
    this.#records = parts.records;
    this.#loads = new Loads(parts.folder);
  }

  facts(message: FolderMessage): MessageFacts | undefined {
    return this.#records.facts.get(message);
  }

  async loadFacts(message: FolderMessage): Promise<MessageFacts | undefined> {
    return this.facts(message) ?? (await this.#load(message))?.facts;
  }

  structure(message: FolderMessage): Message | undefined {
    return this.#records.structures.get(message);
  }

  async loadStructure(message: FolderMessage): Promise<Message | undefined> {
    return this.structure(message) ?? (await this.#load(message))?.structure();
  }

  rendering(message: FolderMessage): Buffer | undefined {
    const { renderer } = this.#parts;
    if (renderer === undefined) return undefined;
    const known = this.#records.renderings.get(message);
    if (known?.[0] === renderer.version) return known;
    const facts = this.facts(message);
    const structure = facts && this.structure(message);
    if (facts === undefined || structure === undefined) return undefined;
    const made = this.#render(message, facts, structure);
    this.#added();
    return made;
  }

  async search(
    messages: readonly FolderMessage[],
    scope: SearchScope,
    value: string,
    progress?: (done: number) => void,
  ): Promise<ReadonlySet<FolderMessage>> {
    const query = queryOf(scope, value);
    if (query.needle.length === 0) return new Set(messages.filter(({ gone }) => !gone));
    const search = new Search(this.#records.texts, query, (message, unknown) =>
      this.#lookThrough(message, query, unknown),
    );
    const found = await search.run(messages, progress);
    await this.#compact(query, messages.length);
    return found;
  }

  async preview(message: FolderMessage): Promise<string | undefined> {
    const known = this.#records.previews.get(message);
    if (known !== undefined) return known;
    const preview = await this.#loads.read(message, async (file) => {
      const { structure } = await this.#structureIn(message, file);
      return previewOf(file.source, structure);
    });
    if (preview !== undefined) this.#records.previews.put(message, preview);
    this.#added();
    return preview;
  }

  /** Gives memory back that is only for speed. */
  forget(): void {
    this.#loads.forget();
    this.#reader.forget();
  }

  /** The index knows many more messages than were asked for: are they gone? */
  async #compact({ parts }: Query, asked: number): Promise<void> {
    const now = this.#parts.now();
    const indexes = parts.map((part) => this.#records.texts[part]);
    if (indexes.every(({ known }) => known <= GARBAGE + asked * 1.5)) return;
    if (now - this.#compactedAt < COMPACT_AFTER) return;
    this.#compactedAt = now;
    const alive = this.#parts.alive();
    if (alive.size === 0) return;
    const turns = new Turns();
    for (const index of indexes) await index.compact(alive, turns);
  }

  #load(message: FolderMessage): Promise<Known | undefined> {
    const { uid } = message;
    const before = this.#reading.get(uid);
    if (before !== undefined) return before;
    const reading = this.#describe(message).finally(() => this.#reading.delete(uid));
    this.#reading.set(uid, reading);
    return reading;
  }

  async #describe(message: FolderMessage): Promise<Known | undefined> {
    const records = await this.#readElsewhere(message, () => DESCRIBED);
    if (records === 'gone') return undefined;
    if (records !== undefined) return this.#remember(message, records);
    return await this.#loads.read(message, async (file) => {
      const { facts, structure } = await this.#parse(message, file);
      return { facts, structure: () => structure };
    });
  }

  /** Undefined: it is to be read here. */
  async #readElsewhere(
    message: FolderMessage,
    wish: (file: OpenMessage) => Wish,
  ): Promise<ReadRecords | 'gone' | undefined> {
    const { reader, folder } = this.#parts;
    // What cannot be kept is of no use as a record.
    if (reader?.meet() !== true || message.base.length > BASE_MAX) return undefined;
    return await reader.read(() => folder.open(message), message.base, wish);
  }

  /** Keeps what the thread made of a message. Undefined: that was not its description. */
  #remember(message: FolderMessage, records: ReadRecords): Known | undefined {
    const { uid, base } = message;
    const { facts: factsRecord, structure: record, rendering } = records;
    for (const part of ['header', 'body'] as const) {
      const text = records[part];
      if (text !== undefined) this.#records.texts[part].add({ uid, base, text });
    }
    let known: Known | undefined;
    if (factsRecord !== undefined && record !== undefined) {
      const facts = decodeFacts(factsRecord);
      this.#records.facts.putRecord(message, factsRecord, facts);
      this.#records.structures.putRecord(message, record);
      if (rendering !== undefined) this.#records.renderings.putRecord(message, rendering);
      known = { facts, structure: () => decodeMessage(record) };
    }
    this.#added();
    return known;
  }

  /** Remembers all that the one pass over the file gives; its header is at hand, and is searched most. */
  async #parse(message: FolderMessage, file: OpenFile): Promise<Read> {
    const parsed = await parseFile(file, message.base, this.#parts.now());
    const header = await this.#index(message, file, parsed.structure, 'header');
    this.#records.facts.put(message, parsed.facts);
    this.#records.structures.put(message, parsed.structure);
    this.#render(message, parsed.facts, parsed.structure);
    this.#added();
    return { ...parsed, header };
  }

  #render(message: FolderMessage, facts: MessageFacts, structure: Message): Buffer | undefined {
    const made = this.#parts.renderer?.render(facts, structure);
    if (made !== undefined) this.#records.renderings.put(message, made);
    return made;
  }

  /** Whether the message is a hit in parts of which the index does not know it; then it knows them. */
  async #lookThrough(
    message: FolderMessage,
    query: Query,
    unknown: readonly UnknownPart[],
  ): Promise<boolean> {
    const isLong = unknown.some((each) => each.isLong);
    const wanted = unknown.map(({ part }) => part);
    const records = isLong
      ? undefined
      : await this.#readElsewhere(message, ({ size }) => {
          const described = this.facts(message)?.size !== size;
          const header = described || wanted.includes('header');
          return { described, header, body: wanted.includes('body') };
        });
    if (records === 'gone') return false;
    if (records !== undefined) {
      this.#remember(message, records);
      return wanted.some((part) => isHitIn(query, records[part]));
    }
    return await this.#lookThroughHere(message, query, unknown);
  }

  async #lookThroughHere(
    message: FolderMessage,
    query: Query,
    unknown: readonly UnknownPart[],
  ): Promise<boolean> {
    const isHit = await this.#loads.read(message, async (file) => {
      const { structure, header } = await this.#structureIn(message, file);
      let found = false;
      for (const { part, isLong } of unknown) {
        const isRead = part === 'header' && header !== undefined;
        const text = isRead
          ? header
          : isLong
            ? undefined
            : await this.#index(message, file, structure, part);
        if (found) continue;
        found =
          text === undefined
            ? await isHitInFile(query, file.source, structure, part)
            : isHitIn(query, text);
      }
      return found;
    });
    this.#added();
    return isHit ?? false;
  }

  /** The structure of an open file, and the text of its header when it was parsed for that. */
  async #structureIn(
    message: FolderMessage,
    file: OpenFile,
  ): Promise<{ readonly structure: Message; readonly header?: Buffer | undefined }> {
    const structure = this.structure(message);
    const isKnown = structure?.size === file.size && this.facts(message) !== undefined;
    return isKnown ? { structure } : this.#parse(message, file);
  }

  async #index(
    { uid, base }: FolderMessage,
    file: OpenFile,
    structure: Message,
    part: Part,
  ): Promise<Buffer | undefined> {
    const text = await this.#reader.read(file.source, structure, part);
    this.#records.texts[part].add({ uid, base, text });
    return text;
  }

  #added(): void {
    this.#parts.added(this.#records.pendingBytes > PENDING_MAX);
  }
}

function isHitIn(query: Query, text: Buffer | undefined): boolean {
  return text !== undefined && findHit(query, text, 0, text.length) >= 0;
}

const DESCRIBED: Wish = { described: true, header: true, body: false };
/** So many more may always be known. */
const GARBAGE = 100;
