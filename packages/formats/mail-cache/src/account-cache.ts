// One Maildir's memory: opened at its first use, written in batches, forgotten when idle.

import type { Log } from '@q/log';
import type { ChangeStore, Folder } from '@q/mailbox';
import { AccountStore } from './account-store.ts';
import { Changes } from './changes.ts';
import { CachedFolder } from './folder-cache.ts';
import { FolderRecords } from './folder-records.ts';
import { FOLDERS_PREFIX, folderKey, folderPrefix, isMailboxId, mailboxOf } from './keys.ts';
import { FLUSH_AFTER, FORGET_AFTER, MEMORY_MAX, UNUSED_DAYS } from './limits.ts';
import type { MessageReader } from './message-reader.ts';
import type { AccountCache, FolderCache, Renderer } from './model.ts';
import { CachePlace, thisHost } from './place.ts';
import { Recent } from './recent.ts';
import { Turns } from './turns.ts';

export interface AccountCacheOptions {
  /** Told when the cache is damaged, or cannot be on disk. */
  readonly log: Log;
  /** Default: no renderings. */
  readonly renderer?: Renderer;
  /** Reads what nobody has looked at when it is much; its thread has the same renderer. Default: this process reads all itself. */
  readonly reader?: MessageReader;
  /** Default: this one. */
  readonly host?: string;
  /** Milliseconds since 1970. Default: Date.now. */
  readonly now?: () => number;
}

/**
 * The memory of the Maildir `root` (INBOX's directory). Never throws for what is wrong with its files. The caller closes
 * it in the end: a process that ends without counts as one that the cache may have killed.
 */
export function openAccountCache(root: string, options: AccountCacheOptions): AccountCache {
  return new OpenAccountCache(root, options);
}

interface OpenFolder {
  readonly records: FolderRecords;
  readonly changes: Changes;
  cache:
    | { readonly of: Pick<Folder, 'mailboxId' | 'open'>; readonly folder: CachedFolder }
    | undefined;
}

class OpenAccountCache implements AccountCache {
  readonly #store: AccountStore;
  readonly #now: () => number;
  readonly #log: Log;
  readonly #renderer: Renderer | undefined;
  readonly #reader: MessageReader | undefined;
  readonly #recent = new Recent(MEMORY_MAX, () => this.#forgetLater());
  readonly #folders = new Map<string, OpenFolder>();
  #flushTimer: NodeJS.Timeout | undefined;
  #forgetTimer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(
    root: string,
    { log, renderer, reader, host = thisHost(), now = Date.now }: AccountCacheOptions,
  ) {
    this.#renderer = renderer;
    this.#reader = reader;
    this.#now = now;
    this.#log = log;
    this.#store = new AccountStore(new CachePlace(root, host, now), log, now);
  }

  folder(folder: Pick<Folder, 'mailboxId' | 'open'>): FolderCache {
    const { mailboxId } = folder;
    const open = this.#open(mailboxId);
    if (open.cache?.of !== folder) {
      const cached = new CachedFolder({
        folder,
        records: open.records,
        alive: () => new Set(Array.from(open.changes.load(), ({ uid }) => uid)),
        now: this.#now,
        renderer: this.#renderer,
        reader: this.#reader,
        added: (atOnce) => this.#added(atOnce),
      });
      open.cache = { of: folder, folder: cached };
    }
    return open.cache.folder;
  }

  changes(mailboxId: string): ChangeStore {
    return this.#open(mailboxId).changes;
  }

  drop(mailboxId: string): void {
    this.#folders.delete(mailboxId);
    if (!isMailboxId(mailboxId)) return;
    this.#store.write((transaction) => {
      for (const key of transaction.keys(folderPrefix(mailboxId))) transaction.remove(key);
      transaction.remove(folderKey(mailboxId));
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#forgetTimer);
    await this.#flush(true);
    this.#folders.clear();
    this.#recent.clear();
    await this.#store.close();
  }

  #open(mailboxId: string): OpenFolder {
    const before = this.#folders.get(mailboxId);
    if (before !== undefined) return before;
    // An id that is none would make keys that are another folder's.
    if (!isMailboxId(mailboxId)) throw new RangeError('no mailbox id');
    const records = new FolderRecords(mailboxId, this.#store, this.#recent);
    const changes = new Changes(mailboxId, this.#store, this.#now, (transaction, uids) =>
      records.drop(transaction, uids),
    );
    const opened: OpenFolder = { records, changes, cache: undefined };
    this.#folders.set(mailboxId, opened);
    this.#noteUse(mailboxId);
    return opened;
  }

  /** Writes down the day, once a day, and then drops what has not been used for long. */
  #noteUse(mailboxId: string): void {
    const today = Math.floor(this.#now() / DAY);
    const key = folderKey(mailboxId);
    if (dayOf(this.#store.get(key)) === today) return;
    this.#store.write((transaction) => transaction.put(key, Buffer.from(String(today))));
    for (const other of this.#store.keys(FOLDERS_PREFIX)) {
      const unused = today - dayOf(this.#store.get(other));
      const name = mailboxOf(other);
      if (unused > UNUSED_DAYS && !this.#folders.has(name)) this.drop(name);
    }
  }

  #added(atOnce: boolean): void {
    this.#forgetLater();
    if (atOnce && this.#flushing === undefined) void this.#flush(false);
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      void this.#flush(true);
    }, FLUSH_AFTER).unref();
  }

  /** Writes all that waits, in transactions of a few milliseconds. */
  async #flush(all: boolean): Promise<void> {
    // One at a time: it would write the same a second time.
    while (this.#flushing !== undefined) await this.#flushing;
    const flushing = this.#flushAll(all).catch((error: unknown) => {
      // Nobody waits for it who could be told; what was read is read again.
      this.#log(`cache: ${error instanceof Error ? error.message : error}`);
    });
    this.#flushing = flushing.finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  async #flushAll(all: boolean): Promise<void> {
    const turns = new Turns();
    for (const [mailboxId, { records }] of [...this.#folders]) {
      for (const { write, written } of records.flushes(all)) {
        // It may have been dropped meanwhile.
        if (this.#folders.get(mailboxId)?.records !== records) break;
        this.#store.write(write);
        written();
        if (turns.due) await turns.give();
      }
    }
  }

  #forgetLater(): void {
    if (this.#forgetTimer !== undefined) {
      this.#forgetTimer.refresh();
      return;
    }
    this.#forgetTimer = setTimeout(() => {
      this.#forgetTimer = undefined;
      this.#recent.clear();
      for (const { cache } of this.#folders.values()) cache?.folder.forget();
    }, FORGET_AFTER).unref();
  }
}

function dayOf(value: Buffer | undefined): number {
  return Number(value?.toString('latin1') ?? 0) || 0;
}

const DAY = 86_400_000;
