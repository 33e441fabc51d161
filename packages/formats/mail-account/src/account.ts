// One user's mail: names of the client become folders, and every look and every change is asked for its right.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { Temporary } from '@q/fault';
import { isMaildir, parseQuota, type Quota, quotaUsage } from '@q/maildir';
import { withLock } from './account-lock.ts';
import { changeAcl, checkedIdentifier } from './acl-entries.ts';
import type { FolderPath } from './folder-path.ts';
import { LOOK_BATCH } from './limits.ts';
import { ListBuilder } from './list.ts';
import { changeMetadata, metadataFile, readMetadata } from './metadata.ts';
import type {
  AclEntry,
  ListedFolder,
  MailAccount,
  Namespaces,
  Place,
  QuotaRoot,
  Rights,
} from './model.ts';
import { NameFault } from './name-fault.ts';
import { above, noSuchMailbox, Places } from './places.ts';
import type { AccountSettings } from './settings.ts';
import { SPECIAL_USE_ENTRY } from './special-use.ts';
import { changeSubscription, readSubscriptions } from './subscriptions.ts';

/** Throws Temporary when the Maildir is not there. */
export async function openAccount(settings: AccountSettings): Promise<MailAccount> {
  if (!(await isMaildir(settings.root))) throw new Temporary(`no Maildir at ${settings.root}`);
  return new Account(settings);
}

class Account implements MailAccount {
  readonly root: string;
  readonly namespaces: Namespaces;
  readonly #places: Places;
  readonly #withAcl: boolean;
  readonly #quota: Quota | undefined;
  /** Of the user's own folders, by path, levels joined by ".". */
  readonly #exists = (key: string): boolean => this.#places.home.has(key.split('.'));

  constructor(settings: AccountSettings) {
    this.root = settings.root;
    this.#places = new Places(settings);
    this.#withAcl = settings.acl ?? true;
    this.#quota = settings.quota === undefined ? undefined : parseQuota(settings.quota);
    this.namespaces = this.#places.naming.namespaces(this.#places.spaces());
  }

  locate(name: string): Place {
    return this.#places.place(this.#places.spot(name));
  }

  async find(name: string, rights: Rights): Promise<Place> {
    const spot = this.#places.spot(name);
    this.#places.demand(spot, rights);
    if (!this.#places.has(spot)) throw noSuchMailbox();
    if (spot.space === 'linked') await this.#places.linked?.refresh(spot.path);
    return this.#places.place(spot);
  }

  async rights(place: Place): Promise<Rights> {
    return this.#places.rights(this.#places.spot(place.name));
  }

  async folders(which: 'personal' | 'all' = 'all'): Promise<readonly ListedFolder[]> {
    const { home, naming } = this.#places;
    const builder = new ListBuilder(naming);
    const found = await home.tree.folders();
    const there = new Set(found.map(({ path }) => path.join('.')));
    const uses = home.uses.all((key) => there.has(key));
    builder.add({ space: 'personal', path: [] }, []);
    for (const [index, { path }] of found.entries()) {
      builder.add({ space: 'personal', path }, uses.get(path.join('.')) ?? []);
      if (index % LOOK_BATCH === 0) await nextTurn();
    }
    if (which === 'all') await this.#places.listShared(builder);
    return builder.list(readSubscriptions(this.root));
  }

  async subscriptions(): Promise<readonly string[]> {
    return readSubscriptions(this.root)
      .map((place) => this.#places.naming.format(place))
      .filter((name) => name !== undefined);
  }

  async subscribe(name: string): Promise<void> {
    await this.#changeSubscription(name, true);
  }

  async unsubscribe(name: string): Promise<void> {
    await this.#changeSubscription(name, false);
  }

  async #changeSubscription(name: string, subscribed: boolean): Promise<void> {
    const { naming, linked } = this.#places;
    const place = naming.parse(name);
    await withLock(this.root, async () => {
      if (place.space === 'linked' && subscribed) await linked?.link(place.path);
      if (place.space === 'linked' && !subscribed) await linked?.unlink(place.path);
      await changeSubscription(this.root, place, subscribed);
    });
  }

  async create(name: string, uses: readonly string[]): Promise<Place> {
    const { separator } = this.#places.naming;
    // Only says that names below it will be made: RFC 9051, section 6.3.4.
    const spot = this.#places.spot(name.endsWith(separator) ? name.slice(0, -1) : name);
    this.#places.demand(above(spot), 'k');
    const { home, path } = spot;
    await withLock(home.root, () => home.create(path, uses, this.#withAcl));
    return this.#places.place(spot);
  }

  async remove(name: string): Promise<Place> {
    const spot = this.#places.spot(name);
    this.#places.demand(spot, 'x');
    const place = this.#places.place(spot);
    const finish = await withLock(spot.home.root, () => spot.home.remove(spot.path));
    await finish();
    return place;
  }

  async rename(
    from: string,
    to: string,
  ): Promise<readonly { readonly from: Place; readonly to: Place }[]> {
    const places = this.#places;
    const [old, fresh] = [places.spot(from), places.spot(to)];
    places.demand(old, 'x');
    if (old.home.root !== fresh.home.root)
      throw new NameFault('CANNOT', 'A mailbox cannot be moved to another account');
    places.demand(above(fresh), 'k');
    const { home } = old;
    return await withLock(home.root, async () => {
      const moves = home.planMoves(old.path, fresh.path);
      const moved = moves.map((move) => places.placesOf(old, fresh, move));
      await home.rename(old.path, fresh.path, moves);
      return moved;
    });
  }

  async acl(place: Place): Promise<readonly AclEntry[]> {
    const { home, path } = this.#places.spot(place.name);
    return home.acls.read(path);
  }

  async setAcl(
    place: Place,
    identifier: string,
    change: 'replace' | 'add' | 'remove',
    rights: Rights,
  ): Promise<void> {
    const spot = this.#places.spot(place.name);
    this.#places.demand(spot, 'a');
    await withLock(spot.home.root, async () => {
      const { home, path, owner } = spot;
      const entries = changeAcl(home.acls.read(path), identifier, change, rights, owner);
      await home.acls.write(path, entries);
    });
  }

  async deleteAcl(place: Place, identifier: string): Promise<void> {
    await this.setAcl(place, checkedIdentifier(identifier), 'replace', '');
  }

  async quota(place: Place): Promise<QuotaRoot | undefined> {
    const found = await this.#usage(place, 0, 0);
    if (found === undefined) return undefined;
    const { quota, usage } = found;
    const all = [
      { resource: 'STORAGE', used: kibibytes(usage.bytes), limit: kibibytes(quota.bytes) },
      { resource: 'MESSAGE', used: usage.messages, limit: quota.messages },
    ] as const;
    return { name: 'ROOT', resources: all.filter(({ limit }) => Number.isFinite(limit)) };
  }

  async claim(place: Place, bytes: number, messages: number): Promise<void> {
    if (!place.counted) return;
    const found = await this.#usage(place, bytes, messages);
    if (found === undefined) return;
    const { quota, usage } = found;
    if (usage.bytes + bytes > quota.bytes || usage.messages + messages > quota.messages)
      throw new NameFault('OVERQUOTA', 'Mailbox is full');
  }

  /** Links to others' messages take nothing from anybody's quota. */
  async #usage(place: Place, bytes: number, messages: number) {
    if (this.#places.spot(place.name).space === 'linked') return undefined;
    const quota = place.root === this.root ? this.#quota : undefined;
    return await quotaUsage(place.root, quota, { bytes, messages });
  }

  async metadata(place: Place | undefined): Promise<ReadonlyMap<string, string>> {
    const entries = readMetadata(this.#metadataFile(place), this.#places.user);
    if (place === undefined) return entries;
    // What LIST says, whoever it was that said so.
    const path = this.#pathWithUses(place);
    const uses = path && this.#places.home.uses.all(this.#exists).get(path.join('.'));
    entries.delete(SPECIAL_USE_ENTRY);
    return uses === undefined ? entries : entries.set(SPECIAL_USE_ENTRY, uses.join(' '));
  }

  async setMetadata(
    place: Place | undefined,
    values: ReadonlyMap<string, string | undefined>,
  ): Promise<void> {
    const file = this.#metadataFile(place);
    const { user } = this.#places;
    await withLock(place?.root ?? this.root, async () => {
      if (place === undefined || !values.has(SPECIAL_USE_ENTRY)) {
        await changeMetadata(file, user, values);
        return;
      }
      const wanted = values.get(SPECIAL_USE_ENTRY)?.split(' ') ?? [];
      const keepUses = this.#usesChange(
        place,
        wanted.filter((use) => use !== ''),
      );
      await changeMetadata(file, user, new Map(values).set(SPECIAL_USE_ENTRY, undefined));
      await keepUses();
    });
  }

  /** Throws NameFault USEATTR; what it gives does it, under the lock. */
  #usesChange(place: Place, wanted: readonly string[]): () => Promise<void> {
    const path = this.#pathWithUses(place);
    if (path === undefined && wanted.length > 0)
      throw new NameFault('USEATTR', 'This mailbox can have no special use');
    if (path === undefined) return async () => {};
    const { uses } = this.#places.home;
    const assigned = uses.exactly(path, wanted, this.#exists);
    return () => uses.keep(assigned);
  }

  /** Special uses are of the user's own folders, and INBOX has none. */
  #pathWithUses(place: Place): FolderPath | undefined {
    const { space, path } = this.#places.spot(place.name);
    return space === 'personal' && path.length > 0 ? path : undefined;
  }

  #metadataFile(place: Place | undefined): string {
    return place === undefined ? metadataFile(this.root, true) : metadataFile(place.dir);
  }
}

/** Units of quotas in IMAP: 1024 bytes, rounded up. */
function kibibytes(bytes: number): number {
  return Math.ceil(bytes / 1024);
}
