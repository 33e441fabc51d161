// What is kept of one folder in the cache: a table for each kind of record, and an index of text for each part of a message.

import { decodeMessage, encodeMessage, type Message } from '@q/mime';
import type { AccountStore } from './account-store.ts';
import { decodeFacts, encodeFacts } from './facts.ts';
import {
  FACTS_SHIFT,
  PREVIEWS_SHIFT,
  RENDERINGS_SHIFT,
  SEGMENT_TEXT,
  STRUCTURES_SHIFT,
} from './limits.ts';
import type { MessageFacts } from './model.ts';
import type { Recent } from './recent.ts';
import { RecordTable } from './record-table.ts';
import type { Part } from './searched-text.ts';
import type { Writing } from './store.ts';
import { TextIndex } from './text-index.ts';

/** A transaction, and what is to be done at once when it succeeded. */
interface Flush {
  write(transaction: Writing): void;
  written(): void;
}

/** It is there before the folder is open, for its ChangeStore. */
export class FolderRecords {
  readonly facts: RecordTable<MessageFacts>;
  readonly structures: RecordTable<Message>;
  readonly previews: RecordTable<string>;
  readonly renderings: RecordTable<Buffer>;
  readonly texts: Readonly<Record<Part, TextIndex>>;

  constructor(mailboxId: string, store: AccountStore, recent: Recent) {
    this.facts = new RecordTable(mailboxId, store, recent, {
      kind: 'F',
      shift: FACTS_SHIFT,
      encode: encodeFacts,
      decode: decodeFacts,
      keepsDecoded: true,
    });
    this.structures = new RecordTable(mailboxId, store, recent, {
      kind: 'S',
      shift: STRUCTURES_SHIFT,
      encode: encodeMessage,
      decode: decodeMessage,
      keepsDecoded: false,
    });
    this.previews = new RecordTable(mailboxId, store, recent, {
      kind: 'P',
      shift: PREVIEWS_SHIFT,
      encode: (text) => Buffer.from(text, 'utf8'),
      decode: (record) => record.toString('utf8'),
      keepsDecoded: false,
    });
    this.renderings = new RecordTable(mailboxId, store, recent, {
      kind: 'R',
      shift: RENDERINGS_SHIFT,
      encode: (record) => record,
      decode: (record) => record,
      keepsDecoded: false,
    });
    this.texts = {
      header: new TextIndex(mailboxId, 'header', store, recent),
      body: new TextIndex(mailboxId, 'body', store, recent),
    };
  }

  get pendingBytes(): number {
    const { facts, structures, previews, renderings, texts } = this;
    return (
      facts.pendingBytes +
      structures.pendingBytes +
      previews.pendingBytes +
      renderings.pendingBytes +
      texts.header.pendingBytes +
      texts.body.pendingBytes
    );
  }

  /** The transactions of a few milliseconds that write what waits; of text only full segments, unless `all`. */
  *flushes(all: boolean): Generator<Flush, void, undefined> {
    for (const table of this.#tables) {
      const blocks = table.pendingBlocks();
      for (let i = 0; i < blocks.length; i += BLOCKS_AT_ONCE) {
        const some = blocks.slice(i, i + BLOCKS_AT_ONCE);
        yield {
          write: (transaction) => {
            for (const block of some) table.flush(transaction, block);
          },
          written: () => {
            for (const block of some) table.flushed(block);
          },
        };
      }
    }
    for (const index of Object.values(this.texts)) {
      while (all ? index.hasPending : index.pendingBytes > SEGMENT_TEXT)
        yield { write: (transaction) => index.flush(transaction), written: () => index.flushed() };
    }
  }

  /** These messages are no more. Their text goes when its segment is gone through. */
  drop(transaction: Writing, uids: readonly number[]): void {
    for (const table of this.#tables) table.drop(transaction, uids);
  }

  get #tables() {
    return [this.facts, this.structures, this.previews, this.renderings];
  }
}

/** Blocks written in one transaction. */
const BLOCKS_AT_ONCE = 8;
