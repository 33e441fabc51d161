// What the sessions of a process share: one open account for each user of a Maildir, one cache for each Maildir, each folder
// once. Kept for a while after the last session, since mail clients come again.

import type { MailAccount, NamespaceKind, Place } from '@q/mail-account';
import type { AccountCache } from '@q/mail-cache';
import type { Folder } from '@q/mailbox';
import { ACCOUNT_KEPT } from './limits.ts';
import type { Opened } from './session.ts';

/** Whose mail, and how it is shown. */
export interface AccountWish {
  readonly user: string;
  /** INBOX's directory, absolute. */
  readonly root: string;
  readonly namespace: NamespaceKind;
  readonly acl: boolean;
  readonly sharedIndex: string | undefined;
  readonly quota: string | undefined;
  readonly keywords: boolean;
  readonly trashFolder: string;
}

/** How the parts are opened; what is opened is closed by its own methods. */
export interface Openers {
  account(wish: AccountWish): MailAccount | Promise<MailAccount>;
  cache(root: string): AccountCache | Promise<AccountCache>;
  folder(place: Place, cache: AccountCache): Promise<{ readonly folder: Folder; release(): void }>;
  /** The folder of this directory is removed or renamed. */
  forget(dir: string): void;
}

interface Shared<Value> {
  readonly value: Promise<Value>;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/** Values by key, each made once and kept while somebody has it, and for a while after. */
class Kept<Value> {
  readonly #all = new Map<string, Shared<Value>>();
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
      shared = { value: Promise.resolve().then(make), users: 0, timer: undefined };
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

  #release(key: string, shared: Shared<Value>): void {
    if (--shared.users > 0) return;
    shared.timer = setTimeout(() => {
      if (this.#all.get(key) === shared) this.#all.delete(key);
      void shared.value.then(this.#end);
    }, ACCOUNT_KEPT);
    shared.timer.unref();
  }
}

/** One for a process. */
export class Accounts {
  readonly #openers: Openers;
  readonly #accounts = new Kept<MailAccount>(() => {});
  readonly #caches = new Kept<AccountCache>((cache) => cache.close());

  constructor(openers: Openers) {
    this.#openers = openers;
  }

  /** One session's part; release() once it is over. Throws what opening an account throws. */
  async enter(wish: AccountWish): Promise<Entered> {
    const account = await this.#accounts.take(JSON.stringify(wish), () =>
      this.#openers.account(wish),
    );
    return {
      account: account.value,
      open: (place) => this.#open(place),
      moved: (from) => this.#openers.forget(from),
      forget: (dir, mailboxId) => this.#forget(wish.root, dir, mailboxId),
      release: account.release,
    };
  }

  #forget(root: string, dir: string, mailboxId: string | undefined): void {
    this.#openers.forget(dir);
    if (mailboxId === undefined) return;
    void this.#caches
      .take(root, () => this.#openers.cache(root))
      .then(({ value, release }) => {
        value.drop(mailboxId);
        release();
      })
      // What a cache has of a folder that is no more is in nobody's way.
      .catch(() => {});
  }

  async #open(place: Place): Promise<Opened> {
    const cache = await this.#caches.take(place.root, () => this.#openers.cache(place.root));
    try {
      const { folder, release } = await this.#openers.folder(place, cache.value);
      let released = false;
      return {
        place,
        folder,
        cache: cache.value.folder(folder),
        release: () => {
          if (released) return;
          released = true;
          release();
          cache.release();
        },
      };
    } catch (error) {
      cache.release();
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
