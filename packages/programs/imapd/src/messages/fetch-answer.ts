// The FETCH answers of a list of messages, one after the other. Those of which everything is remembered cost neither a promise
// nor a file.

import type { WireMode } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import { Disconnected, Timeout } from '@q/session';
import type { Session } from '../session.ts';
import type { View } from '../view.ts';
import type { FetchPlan } from './fetch-plan.ts';
import { isLiteralItem, itemText, type LiteralItem } from './fetch-text.ts';
import { FetchWriter } from './fetch-writer.ts';
import { flagsText } from './flags.ts';
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
    const loader = new MessageLoader(this.#view.opened, this.#plan, messages);
    const writer = this.#writer;
    try {
      for (const message of messages) {
        writer.begin();
        let loaded: Loaded | undefined;
        try {
          const loading = loader.next();
          loaded = loading instanceof Promise ? await loading : loading;
          if (loaded === undefined) this.missing += 1;
          else if (loaded.file === undefined) this.#remembered(message, loaded);
          else await this.#read(message, loaded, marked.has(message));
        } catch (error) {
          if (isOver(error)) throw error;
          writer.abandon(error);
          this.unreadable += 1;
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

  #remembered(message: FolderMessage, loaded: Loaded): void {
    let text = this.#head(message);
    const recent = this.#recents && this.#view.isRecent(message);
    let separator = '';
    for (const item of this.#plan.items) {
      if (isLiteralItem(item)) continue;
      text += separator + itemText(item, message, recent, loaded, this.#mode);
      separator = ' ';
    }
    this.#writer.add(`${text})\r\n`);
  }

  async #read(message: FolderMessage, loaded: Loaded, marked: boolean): Promise<void> {
    const { file, structure } = loaded;
    if (file === undefined || structure === undefined)
      throw new Error('an answer without its file');
    const parsed = { source: file.source, structure };
    const writer = this.#writer;
    const recent = this.#recents && this.#view.isRecent(message);
    writer.add(this.#head(message));
    let separator = '';
    for (const item of this.#plan.items) {
      writer.add(separator);
      separator = ' ';
      if (isLiteralItem(item)) await this.#literal(item, parsed);
      else writer.add(itemText(item, message, recent, loaded, this.#mode));
    }
    if (marked) {
      const asked = new Set(this.#plan.items.map(({ kind }) => kind));
      if (!asked.has('FLAGS')) writer.add(` FLAGS (${flagsText(message, recent)})`);
      if (tellsModseq(this.#session) && !asked.has('MODSEQ'))
        writer.add(` MODSEQ (${message.modseq})`);
      this.#view.noteTold(message);
    }
    writer.add(')\r\n');
  }

  #head(message: FolderMessage): string {
    return fetchHead(this.#uidOnly, this.#uidOnly ? 0 : this.#view.numberOf(message), message.uid);
  }

  /** "NAME" and the string, or NIL where the message has nothing of the kind. */
  async #literal(item: LiteralItem, file: ParsedFile): Promise<void> {
    const writer = this.#writer;
    switch (item.kind) {
      case 'section': {
        const literal = await sectionLiteral(file, item.section, item.range);
        writer.add(`${sectionLabel(item.section, item.range)} `);
        await this.#string(literal, isHeader(item.section.text));
        return;
      }
      case 'RFC822':
      case 'RFC822.HEADER':
      case 'RFC822.TEXT': {
        const text = OLD_ITEMS[item.kind];
        writer.add(`${item.kind} `);
        const section = { part: [], text, fields: [] };
        await this.#string(await sectionLiteral(file, section, undefined), isHeader(text));
        return;
      }
      case 'BINARY': {
        const literal = await binaryLiteral(file, item.part, item.range);
        if (literal === 'unknown') this.unknownEncoding = true;
        writer.add(`BINARY[${item.part.join('.')}]${originLabel(item.range)} `);
        await this.#string(literal === 'unknown' ? undefined : literal, false);
        return;
      }
      case 'BINARY.SIZE': {
        const literal = await binaryLiteral(file, item.part, undefined);
        if (literal === 'unknown') this.unknownEncoding = true;
        const size = literal === undefined || literal === 'unknown' ? 0 : literal.size;
        writer.add(`BINARY.SIZE[${item.part.join('.')}] ${size}`);
      }
    }
  }

  async #string(literal: Literal | undefined, header: boolean): Promise<void> {
    if (literal === undefined) {
      this.#writer.add('NIL');
      return;
    }
    const sent = await this.#writer.literal(literal);
    if (header) this.#session.counts.headers += sent;
    else this.#session.counts.body += sent;
  }
}

const OLD_ITEMS = { RFC822: 'all', 'RFC822.HEADER': 'header', 'RFC822.TEXT': 'text' } as const;

function isHeader(text: string): boolean {
  return text !== 'all' && text !== 'text';
}

/** The connection is over: no other message can be answered. */
function isOver(error: unknown): boolean {
  return error instanceof Disconnected || error instanceof Timeout;
}
