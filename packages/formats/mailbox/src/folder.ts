// One folder as its users see it: model.ts. Each method is one of the operations in the files beside this one.

import { faultOf } from '@q/fault';
import { deliver } from './deliver.ts';
import { expunge } from './expunge.ts';
import { pathOf } from './files.ts';
import { withFile } from './find-file.ts';
import type { Inside } from './inside.ts';
import { MOVE_BATCH } from './limits.ts';
import { isNoMessage, openMessageFile } from './message-file.ts';
import type {
  Copied,
  FlagChange,
  FlagsChanged,
  Folder,
  FolderMessage,
  LeftBehind,
  NewMessage,
  OpenMessage,
  RefreshOptions,
  Spool,
} from './model.ts';
import { refresh } from './refresh.ts';
import { SpoolFile } from './spool.ts';
import { storeFlags } from './store.ts';
import type { Stored } from './table.ts';
import { copyFrom, moveFrom, type Taken } from './take.ts';
import { goneRanges } from './vanished.ts';
import { FolderWatch } from './watch.ts';

const NOTHING: LeftBehind = { flags: 0, keywords: false };

export class MaildirFolder implements Folder {
  readonly #inside: Inside;
  readonly #watch: FolderWatch;
  /** A refresh that has not begun yet does for all who ask meanwhile. */
  readonly #waiting = new Map<boolean, Promise<void>>();

  constructor(inside: Inside) {
    this.#inside = inside;
    this.#watch = new FolderWatch(inside);
  }

  get dir(): string {
    return this.#inside.dir;
  }

  get uidValidity(): number {
    return this.#inside.validity;
  }

  get uidNext(): number {
    return this.#inside.uidNext;
  }

  get highestModseq(): number {
    return this.#inside.highestModseq;
  }

  get mailboxId(): string {
    return this.#inside.mailboxId;
  }

  get messages(): readonly FolderMessage[] {
    return this.#inside.table.list;
  }

  get keywords(): readonly string[] {
    return this.#inside.table.names.inUse;
  }

  get acceptsKeywords(): boolean {
    return this.keywords.length < this.#inside.keywordsMax;
  }

  get changeCount(): number {
    return this.#inside.table.changeCount;
  }

  get recentCount(): number {
    return this.#inside.recent.length + this.waiting;
  }

  get waiting(): number {
    return this.#inside.waiting.length;
  }

  /** Removed, or another folder is in its place: whoever has it open can do nothing more with it. */
  get isGone(): boolean {
    return this.#inside.gone;
  }

  find(uid: number): FolderMessage | undefined {
    return this.#inside.table.find(uid);
  }

  indexOf(uid: number): number {
    return this.#inside.table.indexOf(uid);
  }

  changesSince(count: number): readonly FolderMessage[] | undefined {
    return this.#inside.table.changesSince(count);
  }

  takeRecent(): readonly number[] {
    const { recent, table } = this.#inside;
    this.#inside.recent = [];
    return recent.filter((uid) => table.find(uid)?.gone === false);
  }

  watch(heard: () => void): () => void {
    return this.#watch.add(heard);
  }

  vanishedSince(since: number): readonly (readonly [first: number, last: number])[] {
    return goneRanges(this.#inside, since);
  }

  refresh({ takeNew }: RefreshOptions): Promise<void> {
    const waiting = this.#waiting.get(takeNew);
    if (waiting !== undefined) return waiting;
    const done = this.#inside.alone('unable to read mailbox', async () => {
      this.#waiting.delete(takeNew);
      await refresh(this.#inside, takeNew);
      const again = this.#inside.verifyIn;
      if (again !== undefined) this.#watch.lookAgainIn(again);
    });
    this.#waiting.set(takeNew, done);
    // A folder that is gone never begins.
    const over = () => {
      if (this.#waiting.get(takeNew) === done) this.#waiting.delete(takeNew);
    };
    done.then(over, over);
    return done;
  }

  open(message: FolderMessage): OpenMessage | undefined | Promise<OpenMessage | undefined> {
    const stored = message as Stored;
    try {
      // The usual case waits for nobody.
      if (!stored.gone) return openMessageFile(pathOf(this.#inside.curPath, stored.name));
    } catch (error) {
      if (!isNoMessage(error)) throw faultOf(error, 'unable to open message');
    }
    return this.#openSought(stored);
  }

  #openSought(message: Stored): Promise<OpenMessage | undefined> {
    return this.#inside.alone('unable to open message', async () => {
      try {
        return await withFile(this.#inside, message, openMessageFile);
      } catch (error) {
        if (isNoMessage(error)) return undefined;
        throw error;
      }
    });
  }

  store(
    messages: readonly FolderMessage[],
    change: FlagChange,
    unchangedSince?: number,
  ): Promise<FlagsChanged> {
    return this.#inside.alone('unable to store flags', async () => {
      await refresh(this.#inside, false);
      return await storeFlags(this.#inside, messages as readonly Stored[], change, unchangedSince);
    });
  }

  expunge(messages: readonly FolderMessage[]): Promise<readonly FolderMessage[]> {
    return this.#inside.alone('unable to expunge messages', () =>
      expunge(this.#inside, messages as readonly Stored[]),
    );
  }

  async spool(): Promise<Spool> {
    try {
      return new SpoolFile(this.#inside.dir, this.#inside.fileMode);
    } catch (error) {
      throw this.#inside.faultOf(error, 'unable to write message');
    }
  }

  deliver(messages: readonly NewMessage[]): Promise<readonly FolderMessage[]> {
    return this.#inside.alone('unable to store message', () => deliver(this.#inside, messages));
  }

  async take(
    source: Folder,
    messages: readonly FolderMessage[],
    how: 'copy' | 'move',
    progress: (done: number) => void = () => {},
    without: LeftBehind = NOTHING,
  ): Promise<readonly Copied[]> {
    if (!(source instanceof MaildirFolder)) throw new TypeError('not a folder of this package');
    await source.refresh({ takeNew: false });
    const all = messages as readonly Stored[];
    const from = source.#inside;
    if (how === 'move') return await this.#move(from, all, progress, without);
    const { taken } = await this.#inside.alone('unable to copy messages', () =>
      copyFrom(this.#inside, from, { messages: all, progress, without }),
    );
    return taken;
  }

  /** For the pool: the folder was renamed. */
  movedTo(dir: string): void {
    this.#inside.dir = dir;
  }

  /** For the pool: the folder was removed. Those who watch hear of it. */
  removed(): void {
    this.#inside.gone = true;
    this.#inside.onChange();
  }

  /** For the pool: nobody has it open. */
  endWatch(): void {
    this.#watch.end();
  }

  async #move(
    from: Inside,
    messages: readonly Stored[],
    progress: (done: number) => void,
    without: LeftBehind,
  ): Promise<readonly Copied[]> {
    const moved: Taken[] = [];
    for (let left = messages; left.length > 0; left = left.slice(MOVE_BATCH)) {
      try {
        const before = moved.length;
        const { taken, brokeOff } = await this.#inside.alone('unable to move messages', () =>
          moveFrom(this.#inside, from, {
            messages: left.slice(0, MOVE_BATCH),
            progress: (done) => progress(before + done),
            without,
          }),
        );
        moved.push(...taken);
        // Not within the other's: two folders that move to each other would wait for ever.
        await from.line.run(async () => from.note([], stillThere(taken)));
        if (brokeOff) break;
      } catch (error) {
        if (moved.length === 0) throw error;
        break;
      }
    }
    return moved;
  }
}

/** A refresh of the source may have found that they are gone already. */
function stillThere(taken: readonly Taken[]): Stored[] {
  return taken.map(({ from }) => from).filter(({ gone }) => !gone);
}
