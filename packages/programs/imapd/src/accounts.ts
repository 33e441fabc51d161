// What the sessions of a process share: one open account for each user of a Maildir, one cache for each Maildir, each folder
// once. Kept for a while after the last session, since mail clients come again.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { faultOf } from '@q/fault';
import { escapeForLog, type Log } from '@q/log';
import {
  type AccountSettings,
  type MailAccount,
  openAccount,
  type Place,
  tidyAccount,
} from '@q/mail-account';
import { type AccountCache, MessageReader, openAccountCache } from '@q/mail-cache';
import { FolderPool } from '@q/mailbox';
import { ACCOUNT_KEPT, TIDY_EVERY } from './limits.ts';
import { messageRenderer } from './messages/rendering.ts';
import type { Opened } from './session.ts';

/** Whose mail, and how it is shown. */
export interface AccountWish extends AccountSettings {
  /** False: no keywords. */
  readonly keywords: boolean;
  /** False: nobody but this process changes the folders (IMAP_USELOCKS). */
  readonly useLocks: boolean;
  /** IMAP_EMPTYTRASH: seconds that messages stay in these folders. */
  readonly emptyTrash: ReadonlyMap<string, number>;
}

interface Shared<Value> {
  readonly value: Promise<Value>;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/** Values by key, each made once and kept while somebody has it, and for a while after. */
class Kept<Value> {
  readonly #all = new Map<string, Shared<Value>>();
  /** Those that are being ended: another of that key is made only then. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #end: (value: Value) => void | Promise<void>;

  constructor(end: (value: Value) => void | Promise<void>) {
    this.#end = end;
  }

  /** Has it made when nobody has it. What fails is not kept. */
  async take(
    key: string,
    make: () => Value | Promise<Value>,
  ): Promise<{ value: Value; release(): void }> {
    let shared = this.#all.get(key);
    if (shared === undefined) {
      const value = Promise.resolve(this.#ending.get(key)).then(make);
      shared = { value, users: 0, timer: undefined };
      this.#all.set(key, shared);
    }
    const mine = shared;
    mine.users++;
    clearTimeout(mine.timer);
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      this.#release(key, mine);
    };
    try {
      return { value: await mine.value, release };
    } catch (error) {
      if (this.#all.get(key) === mine) this.#all.delete(key);
      throw error;
    }
  }

  /** Ends all, whoever has them. */
  async end(): Promise<void> {
    for (const [key, shared] of this.#all) this.#endOne(key, shared);
    await Promise.all(this.#ending.values());
  }

  #release(key: string, shared: Shared<Value>): void {
    shared.users--;
    if (shared.users > 0 || this.#all.get(key) !== shared) return;
    shared.timer = setTimeout(() => this.#endOne(key, shared), ACCOUNT_KEPT);
    shared.timer.unref();
  }

  #endOne(key: string, { value, timer }: Shared<Value>): void {
    clearTimeout(timer);
    this.#all.delete(key);
    const over = value
      .then(this.#end)
      // What cannot be closed well is made again from the messages.
      .catch(() => {})
      .then(() => {
        if (this.#ending.get(key) === over) this.#ending.delete(key);
      });
    this.#ending.set(key, over);
  }
}

/** A Maildir's cache, and the directories of the folders that were opened with it. */
interface Cached {
  readonly cache: AccountCache;
  readonly dirs: Set<string>;
}

/** One for a process. */
export class Accounts {
  readonly #log: Log;
  readonly #pool = new FolderPool();
  /** All caches have their messages read by the same. */
  readonly #reader: MessageReader | undefined;
  /** When which Maildir was tidied, in milliseconds. */
  readonly #tidied = new Map<string, number>();
  readonly #accounts = new Kept<MailAccount>(() => {});
  readonly #caches = new Kept<Cached>(async ({ cache, dirs }) => {
    // A folder that waits in the pool has its mod-sequences there.
    for (const dir of dirs) this.#pool.forget(dir);
    await cache.close();
  });

  /** `readerProgram`: imap-reader; undefined: this process reads all messages itself. */
  constructor(log: Log, readerProgram?: string) {
    this.#log = log;
    if (readerProgram !== undefined) this.#reader = new MessageReader(readerProgram, log);
  }

  /** One session's part; release() once it is over. Throws what opening an account throws. */
  async enter(wish: AccountWish): Promise<Entered> {
    const { keywords, useLocks, emptyTrash, ...settings } = wish;
    const account = await this.#accounts.take(JSON.stringify(settings), () =>
      openAccount(settings),
    );
    void this.#tidy(wish.root, emptyTrash);
    return {
      account: account.value,
      open: (place) => this.#open(place, { keywords, useLocks }),
      forget: (dir, mailboxId) => this.#forget(wish.root, dir, mailboxId),
      moved: (from, to) => this.#pool.moved(from, to),
      release: account.release,
    };
  }

  /** Not before the login is answered: nobody waits for it. */
  async #tidy(root: string, emptyTrash: ReadonlyMap<string, number>): Promise<void> {
    const now = Date.now();
    if (now - (this.#tidied.get(root) ?? 0) < TIDY_EVERY) return;
    this.#tidied.set(root, now);
    try {
      await nextTurn();
      await tidyAccount(root, { emptyTrash });
    } catch (error) {
      this.#log(`warning: ${escapeForLog(faultOf(error, `unable to tidy ${root}`).message)}`);
    }
  }

  /** No session is left: closes everything at once. */
  async end(): Promise<void> {
    await this.#accounts.end();
    await this.#caches.end();
    await this.#reader?.close();
  }

  #forget(root: string, dir: string, mailboxId: string | undefined): void {
    this.#pool.removed(dir);
    if (mailboxId === undefined) return;
    void this.#cacheOf(root)
      .then(({ value, release }) => {
        value.cache.drop(mailboxId);
        release();
      })
      // What a cache has of a folder that is no more is in nobody's way.
      .catch(() => {});
  }

  #cacheOf(root: string) {
    return this.#caches.take(root, () => ({
      cache: openAccountCache(root, {
        log: this.#log,
        renderer: messageRenderer,
        ...(this.#reader && { reader: this.#reader }),
      }),
      dirs: new Set<string>(),
    }));
  }

  async #open(
    place: Place,
    { keywords, useLocks }: Pick<AccountWish, 'keywords' | 'useLocks'>,
  ): Promise<Opened> {
    const { value, release } = await this.#cacheOf(place.root);
    const { cache, dirs } = value;
    try {
      dirs.add(place.dir);
      const folder = await this.#pool.open(place.dir, {
        root: place.root,
        trash: !place.counted,
        changes: (mailboxId) => cache.changes(mailboxId),
        log: this.#log,
        useLocks,
        ...(!keywords && { keywordsMax: 0 }),
      });
      let released = false;
      return {
        place,
        folder,
        cache: cache.folder(folder),
        release: () => {
          if (released) return;
          released = true;
          this.#pool.release(folder);
          release();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }
}

export interface Entered {
  readonly account: MailAccount;
  open(place: Place): Promise<Opened>;
  /** See Session.forget. */
  forget(dir: string, mailboxId: string | undefined): void;
  moved(from: string, to: string): void;
  release(): void;
}
