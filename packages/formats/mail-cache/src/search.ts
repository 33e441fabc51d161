// One search in a folder: first in what the index knows, then in the files of the other messages.

import type { FolderMessage } from '@q/mailbox';
import { ELSEWHERE_MAX } from './limits.ts';
import type { Query } from './query.ts';
import type { Part } from './searched-text.ts';
import type { TextIndex } from './text-index.ts';
import { Turns } from './turns.ts';

/** A part of a message that must be read from its file. */
export interface UnknownPart {
  readonly part: Part;
  /** The index knows that it is too long to be in it. */
  readonly isLong: boolean;
}

type LookThrough = (message: FolderMessage, unknown: readonly UnknownPart[]) => Promise<boolean>;

export class Search {
  readonly #texts: Readonly<Record<Part, TextIndex>>;
  readonly #query: Query;
  readonly #lookThrough: LookThrough;
  readonly #turns = new Turns();
  readonly #found = new Set<FolderMessage>();
  /** What has to be read. */
  readonly #unknown = new Map<FolderMessage, UnknownPart[]>();

  constructor(texts: Readonly<Record<Part, TextIndex>>, query: Query, lookThrough: LookThrough) {
    this.#texts = texts;
    this.#query = query;
    this.#lookThrough = lookThrough;
  }

  async run(
    messages: readonly FolderMessage[],
    progress: ((done: number) => void) | undefined,
  ): Promise<ReadonlySet<FolderMessage>> {
    const wanted = new Map(messages.map((message) => [message.uid, message]));
    for (const part of this.#query.parts) await this.#askIndex(part, wanted);
    await this.#readFiles(messages.length, progress);
    for (const message of this.#found) if (message.gone) this.#found.delete(message);
    return this.#found;
  }

  /** Hits are not looked for any further. */
  async #askIndex(part: Part, wanted: Map<number, FolderMessage>): Promise<void> {
    const told = await this.#texts[part].find(this.#query, wanted, this.#turns);
    for (const message of wanted.values()) {
      const is = told.get(message);
      if (is === 'miss') continue;
      if (is === 'hit') {
        this.#found.add(message);
        this.#unknown.delete(message);
        wanted.delete(message.uid);
      } else {
        const before = this.#unknown.get(message) ?? [];
        this.#unknown.set(message, [...before, { part, isLong: is === 'long' }]);
      }
    }
  }

  async #readFiles(all: number, progress: ((done: number) => void) | undefined): Promise<void> {
    let done = all - this.#unknown.size;
    progress?.(done);
    const queue = this.#unknown.entries();
    let failure: { readonly error: unknown } | undefined;
    const worker = async () => {
      for (const [message, unknown] of queue) {
        if (failure !== undefined) return;
        try {
          if (await this.#lookThrough(message, unknown)) this.#found.add(message);
          progress?.(++done);
        } catch (error) {
          failure = { error };
        }
        if (this.#turns.due) await this.#turns.give();
      }
    };
    // How many files are open at a time is up to who reads them.
    await Promise.all(Array.from({ length: ELSEWHERE_MAX }, worker));
    if (failure !== undefined) throw failure.error;
  }
}
