// The FETCH answers of a list of messages, one after the other. Those of which everything is remembered cost neither a promise
// nor a file.

import { faultOf } from '@q/fault';
import type { ByteRange, FetchSection, WireMode } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import { Disconnected, Timeout } from '@q/session';
import type { Session } from '../session.ts';
import type { View } from '../view.ts';
import type { FetchPlan } from './fetch-plan.ts';
import { isLiteralItem, itemText, type LiteralItem } from './fetch-text.ts';
import { FetchWriter } from './fetch-writer.ts';
import { flagsText } from './flags.ts';
import { heldSection, isHeldSection } from './held-section.ts';
import type { Literal } from './literal.ts';
import { type Loaded, MessageLoader } from './loaded.ts';
import { fetchHead, tellsModseq, tellsRecent } from './message-line.ts';
import {
  binaryLiteral,
  originLabel,
  type ParsedFile,
  sectionLabel,
  sectionLiteral,
} from './section.ts';

export class MessageAnswers {
  /** Messages that were gone and not all remembered. */
  missing = 0;
  /** Messages whose file could not be read. */
  unreadable = 0;
  /** BINARY met a transfer encoding that nobody knows. */
  unknownEncoding = false;
  readonly #session: Session;
  readonly #view: View;
  readonly #plan: FetchPlan;
  readonly #writer: FetchWriter;
  readonly #mode: WireMode;
  readonly #uidOnly: boolean;
  readonly #recents: boolean;

  constructor(session: Session, view: View, plan: FetchPlan) {
    this.#session = session;
    this.#view = view;
    this.#plan = plan;
    this.#writer = new FetchWriter(session);
    this.#mode = { utf8: session.utf8 };
    this.#uidOnly = session.enabled.has('UIDONLY');
    this.#recents = tellsRecent(session);
  }

  /** `marked`: those that became \Seen by this; their flags are told whether asked for or not. Throws Timeout and Disconnected. */
  async tell(
    messages: readonly FolderMessage[],
    marked: ReadonlySet<FolderMessage>,
  ): Promise<void> {
    const loader = new MessageLoader(this.#view.opened, this.#plan, messages, this.#mode.utf8);
    const writer = this.#writer;
    try {
      for (const message of messages) {
        writer.begin();
        let loaded: Loaded | undefined;
        try {
          const loading = loader.next();
          loaded = loading instanceof Promise ? await loading : loading;
          if (loaded === undefined) this.missing += 1;
          else if (
            this.#plan.parts ||
            (loaded.file !== undefined && loaded.file.held === undefined)
          )
            await this.#read(message, loaded, marked.has(message));
          else this.#atOnce(message, loaded, marked.has(message));
        } catch (error) {
          if (isOver(error)) throw error;
          writer.abandon(error);
          this.#note(error);
        } finally {
          loaded?.file?.close();
        }
        if (writer.full()) await writer.flush();
      }
      await writer.flush();
    } finally {
      loader.close();
    }
  }

  /** A message cannot be read: the log has why, of the first one. */
  #note(error: unknown): void {
    this.unreadable += 1;
    if (this.unreadable > 1) return;
    const { place } = this.#view.opened;
    this.#session.log(`warning: ${place.dir}: ${faultOf(error, 'unable to read message').message}`);
  }

  /** All of it is in memory. */
  #atOnce(message: FolderMessage, loaded: Loaded, marked: boolean): void {
    const held = loaded.file?.held;
    const recent = this.#recents && this.#view.isRecent(message);
    let text = this.#head(message);
    let separator = '';
    for (const item of this.#plan.items) {
      text += separator;
      separator = ' ';
      if (!isLiteralItem(item)) text += itemText(item, message, recent, loaded, this.#mode);
      else if (held !== undefined) text += this.#held(item, held);
    }
    if (marked) text += this.#markedText(message, recent);
    this.#writer.add(`${text})\r\n`);
  }

  async #read(message: FolderMessage, loaded: Loaded, marked: boolean): Promise<void> {
    const { file, structure } = loaded;
    if (file === undefined) throw new Error('an answer without its file');
    const parsed = structure === undefined ? undefined : { source: file.source, structure };
    const writer = this.#writer;
    const recent = this.#recents && this.#view.isRecent(message);
    writer.add(this.#head(message));
    let separator = '';
    for (const item of this.#plan.items) {
      writer.add(separator);
      separator = ' ';
      if (isLiteralItem(item)) {
        const held = file.held === undefined ? undefined : this.#held(item, file.held);
        if (held === undefined) await this.#literal(item, parsed);
        else writer.add(held);
      } else writer.add(itemText(item, message, recent, loaded, this.#mode));
    }
    if (marked) writer.add(this.#markedText(message, recent));
    writer.add(')\r\n');
  }

  /** What is told of a message that became \Seen, unless it was asked for. */
  #markedText(message: FolderMessage, recent: boolean): string {
    const asked = new Set(this.#plan.items.map(({ kind }) => kind));
    let text = '';
    if (!asked.has('FLAGS')) text += ` FLAGS (${flagsText(message, recent)})`;
    if (tellsModseq(this.#session) && !asked.has('MODSEQ')) text += ` MODSEQ (${message.modseq})`;
    this.#view.noteTold(message);
    return text;
  }

  /** A section that needs no tree of parts, with its name. Undefined: it is another one. */
  #held(item: LiteralItem, bytes: Buffer): string | undefined {
    const wanted = wantedSection(item);
    if (wanted === undefined || !isHeldSection(wanted.section)) return undefined;
    const text = heldSection(bytes, wanted.section, wanted.range);
    this.#count(wanted.section, text.length);
    return `${wanted.label} {${text.length}}\r\n${text}`;
  }

  #count({ text }: FetchSection, bytes: number): void {
    if (text === 'all' || text === 'text') this.#session.counts.body += bytes;
    else this.#session.counts.headers += bytes;
  }

  #head(message: FolderMessage): string {
    return fetchHead(this.#uidOnly, this.#uidOnly ? 0 : this.#view.numberOf(message), message.uid);
  }

  /** "NAME" and the string, or NIL where the message has nothing of the kind. */
  async #literal(item: LiteralItem, file: ParsedFile | undefined): Promise<void> {
    if (file === undefined) throw new Error('a section without its structure');
    const writer = this.#writer;
    const wanted = wantedSection(item);
    if (wanted !== undefined) {
      const literal = await sectionLiteral(file, wanted.section, wanted.range);
      writer.add(`${wanted.label} `);
      this.#count(wanted.section, await this.#string(literal));
    } else if (item.kind === 'BINARY' || item.kind === 'BINARY.SIZE') {
      const range = item.kind === 'BINARY' ? item.range : undefined;
      const found = await binaryLiteral(file, item.part, range);
      if (found === 'unknown') this.unknownEncoding = true;
      const literal = found === 'unknown' ? undefined : found;
      writer.add(`${item.kind}[${item.part.join('.')}]${originLabel(range)} `);
      if (item.kind === 'BINARY.SIZE') writer.add(`${literal?.size ?? 0}`);
      else this.#session.counts.body += await this.#string(literal);
    }
  }

  /** Gives the bytes sent. */
  async #string(literal: Literal | undefined): Promise<number> {
    if (literal !== undefined) return await this.#writer.literal(literal);
    this.#writer.add('NIL');
    return 0;
  }
}

interface WantedSection {
  readonly section: FetchSection;
  readonly range: ByteRange | undefined;
  readonly label: string;
}

/** What a section of the message is asked for by; undefined: something else is. */
function wantedSection(item: LiteralItem): WantedSection | undefined {
  switch (item.kind) {
    case 'section':
      return {
        section: item.section,
        range: item.range,
        label: sectionLabel(item.section, item.range),
      };
    case 'RFC822':
      return { section: { part: [], text: 'all', fields: [] }, range: undefined, label: item.kind };
    case 'RFC822.HEADER':
      return {
        section: { part: [], text: 'header', fields: [] },
        range: undefined,
        label: item.kind,
      };
    case 'RFC822.TEXT':
      return {
        section: { part: [], text: 'text', fields: [] },
        range: undefined,
        label: item.kind,
      };
    default:
      return undefined;
  }
}

/** The connection is over: no other message can be answered. */
function isOver(error: unknown): boolean {
  return error instanceof Disconnected || error instanceof Timeout;
}
