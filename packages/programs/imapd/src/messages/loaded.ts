// What a message's answer is made of, from memory where it is known, else from its file, some messages ahead of the answer.

import type { FolderCache, MessageFacts } from '@q/mail-cache';
import type { Folder, FolderMessage } from '@q/mailbox';
import { type Message, parseMessage } from '@q/mime';
import type { FetchPlan } from './fetch-plan.ts';
import { AHEAD, AHEAD_DESCRIBED } from './limits.ts';
import { type MessageFile, openMessageFile } from './message-file.ts';
import { fits } from './rendering.ts';

/** What the plan asks for is there. The file is open: whoever takes this closes it. */
export interface Loaded {
  readonly facts: MessageFacts | undefined;
  readonly structure: Message | undefined;
  /** ENVELOPE and BODYSTRUCTURE; undefined: of facts and structure. */
  readonly rendering: Buffer | undefined;
  readonly file: MessageFile | undefined;
  readonly preview: string | undefined;
}

/** Undefined: the message is gone, and not all is known of it. */
type Result = Loaded | undefined;

const NOTHING: Loaded = {
  facts: undefined,
  structure: undefined,
  rendering: undefined,
  file: undefined,
  preview: undefined,
};

export class MessageLoader {
  readonly #folder: Folder;
  readonly #cache: FolderCache;
  readonly #plan: FetchPlan;
  readonly #messages: readonly FolderMessage[];
  readonly #utf8: boolean;
  /** The next to be asked for stands first. */
  readonly #ahead: (Result | Promise<Result>)[] = [];
  #started = 0;

  /** They are to be taken in the order of `messages`. `utf8`: the client has turned it on. */
  constructor(
    { folder, cache }: { readonly folder: Folder; readonly cache: FolderCache },
    plan: FetchPlan,
    messages: readonly FolderMessage[],
    utf8: boolean,
  ) {
    this.#folder = folder;
    this.#cache = cache;
    this.#plan = plan;
    this.#messages = messages;
    this.#utf8 = utf8;
  }

  /** The next message's; at once when it was remembered. Rejects when it cannot be read; the others are not touched by that. */
  next(): Result | Promise<Result> {
    const { facts, structure, rendering, file, preview } = this.#plan;
    if (!facts && !structure && !rendering && file === undefined && !preview) return NOTHING;
    const ahead = file === undefined && !preview ? AHEAD_DESCRIBED : AHEAD;
    while (this.#ahead.length < ahead && this.#started < this.#messages.length) {
      const loading = this.#load(this.#messages[this.#started++] as FolderMessage);
      // Who takes it hears of a failure; if nobody does, nobody needs to.
      if (loading instanceof Promise) loading.catch(() => {});
      this.#ahead.push(loading);
      // What is remembered needs no start.
      if (!(loading instanceof Promise) && this.#ahead.length === 1) break;
    }
    return this.#ahead.shift();
  }

  /** Closes the files that nobody took. */
  close(): void {
    for (const loading of this.#ahead.splice(0))
      Promise.resolve(loading).then(
        (loaded) => loaded?.file?.close(),
        () => {},
      );
  }

  /** A promise only where something has to be waited for. */
  #load(message: FolderMessage): Result | Promise<Result> {
    const known = this.#remembered(message);
    if (known === undefined) return this.#read(message);
    if (this.#plan.file === undefined) return known;
    try {
      return this.#withFile(message, known);
    } catch (error) {
      // It may be loaded ahead of others.
      return Promise.reject(error);
    }
  }

  /** Undefined: something that is needed besides the file is not remembered. */
  #remembered(message: FolderMessage): Loaded | undefined {
    const plan = this.#plan;
    if (plan.preview) return undefined;
    const rendering = plan.rendering ? this.#rendering(message) : undefined;
    if (plan.rendering && rendering === undefined) return undefined;
    const facts = plan.facts ? this.#cache.facts(message) : undefined;
    if (plan.facts && facts === undefined) return undefined;
    const needsStructure = plan.structure || plan.parts;
    const structure = needsStructure ? this.#cache.structure(message) : undefined;
    if (needsStructure && structure === undefined) return undefined;
    return { facts, structure, rendering, file: undefined, preview: undefined };
  }

  #rendering(message: FolderMessage): Buffer | undefined {
    const rendering = this.#cache.rendering(message);
    return rendering !== undefined && fits(rendering, this.#utf8) ? rendering : undefined;
  }

  async #read(message: FolderMessage): Promise<Result> {
    const plan = this.#plan;
    const cache = this.#cache;
    const needsFacts = plan.facts || plan.rendering;
    const facts = needsFacts
      ? (cache.facts(message) ?? (await cache.loadFacts(message)))
      : undefined;
    if (needsFacts && facts === undefined) return undefined;
    const rendering = plan.rendering ? this.#rendering(message) : undefined;
    const preview = plan.preview ? await cache.preview(message) : undefined;
    if (plan.preview && preview === undefined) return undefined;
    const needsStructure =
      plan.structure || plan.parts || (plan.rendering && rendering === undefined);
    const structure = needsStructure ? await this.#structure(message) : undefined;
    if (needsStructure && structure === undefined) return undefined;
    if (plan.file === undefined) return { facts, structure, rendering, file: undefined, preview };
    return await this.#withFile(message, {
      facts,
      structure,
      rendering,
      file: undefined,
      preview,
    });
  }

  /** What is known, and the file. */
  #withFile(message: FolderMessage, known: Loaded): Result | Promise<Result> {
    const { file, parts } = this.#plan;
    const opening = openMessageFile(this.#folder, message, {
      headOnly: file === 'header' && !parts,
      // Sections that need no tree are sent as text, parts as the bytes that they are.
      untilClosed: !parts,
    });
    if (!(opening instanceof Promise)) return opening && this.#complete(message, known, opening);
    return opening.then((opened) => opened && this.#complete(message, known, opened));
  }

  #complete(message: FolderMessage, known: Loaded, file: MessageFile): Result | Promise<Result> {
    const { facts, structure, rendering, preview } = known;
    const isComplete =
      structure === undefined ? file.held !== undefined : structure.size === file.size;
    if (isComplete) return { facts, structure, rendering, file, preview };
    return this.#treeOf(message, file, structure).then((tree) =>
      tree === 'gone' ? undefined : { facts, structure: tree, rendering, file, preview },
    );
  }

  /** The structure that fits the file, where it is needed to find something there. */
  async #treeOf(
    message: FolderMessage,
    file: MessageFile,
    known: Message | undefined,
  ): Promise<Message | 'gone'> {
    try {
      const structure = known ?? (await this.#structure(message));
      // Nobody should change a message; where it was done all the same, the old tree would cut it in wrong places.
      if (structure?.size === file.size) return structure;
      if (structure !== undefined) return await parseMessage(file.source(0, file.size));
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
    return 'gone';
  }

  async #structure(message: FolderMessage): Promise<Message | undefined> {
    return this.#cache.structure(message) ?? (await this.#cache.loadStructure(message));
  }
}
