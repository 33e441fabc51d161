// Names of mailboxes, subscriptions and annotations, whoever changes them (RFC 5465, sections 5.4 to 5.7). What was there
// is compared with what is there, as other programs change Maildirs without a word.

import { lstatSync } from 'node:fs';
import { type ListedFolder, watchAccount } from '@q/mail-account';
import type { Session } from '../../session.ts';
import { LIST_BATCH, WATCH_SETTLE_MS } from '../limits.ts';
import { attributesOf } from '../list.ts';
import { tellList } from '../list-line.ts';
import type { Interests, NotifyEvent } from './interests.ts';
import { takeOwnChanges } from './own-change.ts';

interface Entry {
  readonly folder: ListedFolder;
  /** The directory, whatever it is called; undefined: none. */
  readonly inode: string | undefined;
}

type Entries = ReadonlyMap<string, Entry>;

export class AccountWatch {
  readonly #session: Session;
  readonly #interests: Interests;
  readonly #changed: (folders: readonly ListedFolder[]) => Promise<void>;
  readonly #unwatch: () => void;
  #known: Entries;
  #timer: NodeJS.Timeout | undefined;

  /**
   * `changed` is called with all folders after each change, for who watches them one by one. Throws a fault, also when nothing more
   * can be watched.
   */
  static async open(
    session: Session,
    interests: Interests,
    changed: (folders: readonly ListedFolder[]) => Promise<void>,
  ): Promise<AccountWatch> {
    return new AccountWatch(session, interests, { changed, known: await entriesOf(session) });
  }

  private constructor(
    session: Session,
    interests: Interests,
    given: {
      readonly changed: (folders: readonly ListedFolder[]) => Promise<void>;
      readonly known: Entries;
    },
  ) {
    this.#session = session;
    this.#interests = interests;
    this.#changed = given.changed;
    this.#known = given.known;
    this.#unwatch = watchAccount(session.account.root, () => this.#hear());
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unwatch();
  }

  /** One change makes several events: they are looked at together. */
  #hear(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#session.soon(() => this.#look());
    }, WATCH_SETTLE_MS);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    if (this.#session.notifier === undefined) return;
    const before = this.#known;
    const now = await entriesOf(this.#session);
    this.#known = now;
    const own = takeOwnChanges(this.#session);
    const renamed = renamedOf(before, now);
    let told = 0;
    for (const name of new Set([...now.keys(), ...before.keys()])) {
      if (own.has(name)) continue;
      if (this.#tell(name, { before: before.get(name), now: now.get(name) }, renamed)) told += 1;
      if (told % LIST_BATCH === LIST_BATCH - 1) await this.#session.drain();
    }
    await this.#changed([...now.values()].map(({ folder }) => folder));
  }

  #tell(
    name: string,
    { before, now }: { readonly before: Entry | undefined; readonly now: Entry | undefined },
    renamed: ReadonlyMap<string, string>,
  ): boolean {
    const folder = now?.folder ?? goneOf(before);
    if (folder === undefined) return false;
    const events = this.#interests.eventsOf(before?.folder ?? folder);
    const nowEvents = this.#interests.eventsOf(folder);
    const asked = (event: NotifyEvent) => events.has(event) || nowEvents.has(event);
    const oldName = renamed.get(name);
    const isName = asked('MailboxName') && isAffected(before, now, { name, renamed });
    const isSubscription =
      asked('SubscriptionChange') && (before?.folder.subscribed ?? false) !== folder.subscribed;
    if (!isName && !isSubscription) return false;
    const attributes = attributesOf(folder, true);
    if (folder.subscribed) attributes.unshift('\\Subscribed');
    const { separator } = folder;
    const line = { name, separator, attributes };
    tellList(this.#session, isName && oldName !== undefined ? { ...line, oldName } : line);
    return true;
  }
}

/** Made, removed, or the level above one that was. What was renamed is told under its new name. */
function isAffected(
  before: Entry | undefined,
  now: Entry | undefined,
  { name, renamed }: { readonly name: string; readonly renamed: ReadonlyMap<string, string> },
): boolean {
  if (renamed.has(name)) return !isBelowRenamed(name, now, renamed);
  if (now === undefined && [...renamed.values()].includes(name)) return false;
  return (
    (before?.folder.exists ?? false) !== (now?.folder.exists ?? false) ||
    (before?.folder.hasChildren ?? false) !== (now?.folder.hasChildren ?? false)
  );
}

/** What is below a renamed mailbox was renamed with it, which goes without saying. */
function isBelowRenamed(
  name: string,
  now: Entry | undefined,
  renamed: ReadonlyMap<string, string>,
): boolean {
  const separator = now?.folder.separator ?? '/';
  const old = renamed.get(name) ?? '';
  return [...renamed].some(
    ([to, from]) =>
      to !== name && name.startsWith(to + separator) && old === from + name.slice(to.length),
  );
}

/** New names whose directories had another name before, with that. */
function renamedOf(before: Entries, now: Entries): ReadonlyMap<string, string> {
  const vanished = new Map<string, string>();
  for (const [name, { inode }] of before)
    if (inode !== undefined && now.get(name)?.inode === undefined) vanished.set(inode, name);
  const renamed = new Map<string, string>();
  if (vanished.size === 0) return renamed;
  for (const [name, { inode }] of now) {
    const old = inode === undefined || before.has(name) ? undefined : vanished.get(inode);
    if (old !== undefined) renamed.set(name, old);
  }
  return renamed;
}

function goneOf(before: Entry | undefined): ListedFolder | undefined {
  if (before === undefined) return undefined;
  return { ...before.folder, exists: false, hasChildren: false, uses: [], subscribed: false };
}

async function entriesOf(session: Session): Promise<Entries> {
  const { account } = session;
  const entries = new Map<string, Entry>();
  const [folders, subscriptions] = await Promise.all([account.folders(), account.subscriptions()]);
  for (const folder of folders) {
    entries.set(folder.name, { folder, inode: inodeOf(session, folder) });
    if (entries.size % LIST_BATCH === 0) await session.drain();
  }
  const separator = folders[0]?.separator ?? '/';
  for (const name of subscriptions) {
    if (entries.has(name)) continue;
    const folder = {
      name,
      separator,
      exists: false,
      hasChildren: false,
      subscribed: true,
      uses: [],
    };
    entries.set(name, { folder, inode: undefined });
  }
  return entries;
}

function inodeOf({ account }: Session, { name, exists }: ListedFolder): string | undefined {
  if (!exists) return undefined;
  try {
    const stats = lstatSync(account.locate(name).dir, { throwIfNoEntry: false });
    return stats && `${stats.dev}:${stats.ino}`;
  } catch {
    return undefined;
  }
}
