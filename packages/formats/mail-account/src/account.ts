// One user's mail: names of the client become folders, and every look and every change is asked for its right.

import { join } from 'node:path';
import { parseQuota, type Quota, quotaUsage } from '@q/maildir';
import { withLock } from './account-lock.ts';
import { ALL_RIGHTS, changeAcl, checkedIdentifier, computeRights } from './acl-entries.ts';
import type { FolderPath } from './folder-path.ts';
import { Home, type Move } from './home.ts';
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
import { type NamespaceKind, Naming, type Space } from './namespace.ts';
import { changeSubscription, readSubscriptions } from './subscriptions.ts';

export interface AccountSettings {
  /** INBOX's directory, absolute. */
  readonly root: string;
  /** The login name: "user=" in access lists. */
  readonly user: string;
  readonly namespace: NamespaceKind;
  /** "group=" in access lists, without that word. */
  readonly groups?: readonly string[];
  /** False: no access lists (IMAP_ACL=0); the user may do all with his own and see nothing of others'. */
  readonly acl?: boolean;
  /** MAILDIRQUOTA; undefined, or a text that is none: what maildirsize says. */
  readonly quota?: string;
  /** IMAP_TRASHFOLDERNAME. */
  readonly trashFolder?: string;
}

/** A folder's name, taken apart. */
interface Spot {
  readonly space: Space;
  readonly home: Home;
  readonly path: FolderPath;
  /** The identifier that is "owner" there. */
  readonly owner: string;
  readonly name: string;
}

/** Throws a fault when the Maildir is not there. */
export async function openAccount(settings: AccountSettings): Promise<MailAccount> {
  return new Account(settings);
}

class Account implements MailAccount {
  readonly root: string;
  readonly namespaces: Namespaces;
  readonly #naming: Naming;
  readonly #home: Home;
  readonly #acl: boolean;
  readonly #user: string;
  readonly #identifiers: readonly string[];
  readonly #quota: Quota | undefined;
  readonly #trash: string;

  constructor(settings: AccountSettings) {
    this.root = settings.root;
    this.#naming = new Naming(settings.namespace);
    this.#home = new Home(settings.root);
    this.#acl = settings.acl ?? true;
    this.#user = `user=${settings.user}`;
    this.#identifiers = [this.#user, ...(settings.groups ?? []).map((group) => `group=${group}`)];
    this.#quota = settings.quota === undefined ? undefined : parseQuota(settings.quota);
    this.#trash = settings.trashFolder ?? 'Trash';
    this.namespaces = this.#naming.namespaces([]);
  }

  locate(name: string): Place {
    return this.#placeOf(this.#spot(name));
  }

  async find(name: string, rights: Rights): Promise<Place> {
    const spot = this.#spot(name);
    this.#demand(spot, rights);
    if (!spot.home.has(spot.path)) throw new NameFault('NONEXISTENT', 'No such mailbox');
    return this.#placeOf(spot);
  }

  async rights(place: Place): Promise<Rights> {
    return this.#rights(this.#spot(place.name));
  }

  async folders(): Promise<readonly ListedFolder[]> {
    const builder = new ListBuilder(this.#naming);
    const found = await this.#home.tree.folders();
    const there = new Set(found.map(({ path }) => path.join('.')));
    const uses = this.#home.uses.all((key) => there.has(key));
    builder.add({ space: 'personal', path: [] }, []);
    for (const { path } of found)
      builder.add({ space: 'personal', path }, uses.get(path.join('.')) ?? []);
    return builder.list(readSubscriptions(this.root));
  }

  async subscriptions(): Promise<readonly string[]> {
    return readSubscriptions(this.root)
      .map((place) => this.#naming.format(place))
      .filter((name) => name !== undefined);
  }

  async subscribe(name: string): Promise<void> {
    const place = this.#naming.parse(name);
    await withLock(this.root, () => changeSubscription(this.root, place, true));
  }

  async unsubscribe(name: string): Promise<void> {
    const place = this.#naming.parse(name);
    await withLock(this.root, () => changeSubscription(this.root, place, false));
  }

  async create(name: string, uses: readonly string[]): Promise<Place> {
    const { separator } = this.#naming;
    // Only says that names below it will be made: RFC 9051, section 6.3.4.
    const spot = this.#spot(name.endsWith(separator) ? name.slice(0, -1) : name);
    if (spot.path.length === 0) throw new NameFault('ALREADYEXISTS', 'Mailbox already exists');
    this.#demand(above(spot), 'k');
    const { home, path } = spot;
    await withLock(home.root, () => home.create(path, uses, this.#acl));
    return this.#placeOf(spot);
  }

  async remove(name: string): Promise<Place> {
    const spot = this.#spot(name);
    this.#demand(spot, 'x');
    const place = this.#placeOf(spot);
    const finish = await withLock(spot.home.root, () => spot.home.remove(spot.path));
    await finish();
    return place;
  }

  async rename(
    from: string,
    to: string,
  ): Promise<readonly { readonly from: Place; readonly to: Place }[]> {
    const [old, fresh] = [this.#spot(from), this.#spot(to)];
    this.#demand(old, 'x');
    if (old.home.root !== fresh.home.root)
      throw new NameFault('CANNOT', 'A mailbox cannot be moved to another account');
    this.#demand(above(fresh), 'k');
    const { home } = old;
    return await withLock(home.root, async () => {
      const moves = home.planMoves(old.path, fresh.path);
      const places = moves.map((move) => this.#placesOf(old, fresh, move));
      await home.rename(old.path, fresh.path, moves);
      return places;
    });
  }

  async acl(place: Place): Promise<readonly AclEntry[]> {
    const { home, path } = this.#spot(place.name);
    return home.acls.read(path);
  }

  async setAcl(
    place: Place,
    identifier: string,
    change: 'replace' | 'add' | 'remove',
    rights: Rights,
  ): Promise<void> {
    const spot = this.#spot(place.name);
    this.#demand(spot, 'a');
    await withLock(spot.home.root, async () => {
      const entries = changeAcl(spot.home.acls.read(spot.path), identifier, change, rights);
      await spot.home.acls.write(spot.path, entries);
    });
  }

  async deleteAcl(place: Place, identifier: string): Promise<void> {
    await this.setAcl(place, checkedIdentifier(identifier), 'replace', '');
  }

  async quota(place: Place): Promise<QuotaRoot | undefined> {
    const found = await quotaUsage(place.root, this.#quotaOf(place), { bytes: 0, messages: 0 });
    if (found === undefined) return undefined;
    const { quota, usage } = found;
    const all = [
      { resource: 'STORAGE', used: kibibytes(usage.bytes), limit: kibibytes(quota.bytes) },
      { resource: 'MESSAGE', used: usage.messages, limit: quota.messages },
    ] as const;
    return { name: 'ROOT', resources: all.filter(({ limit }) => Number.isFinite(limit)) };
  }

  async claim(place: Place, bytes: number, messages: number): Promise<void> {
    const { home, path } = this.#spot(place.name);
    if (!home.counts(path)) return;
    const adding = { bytes, messages };
    const found = await quotaUsage(place.root, this.#quotaOf(place), adding);
    if (found === undefined) return;
    const { quota, usage } = found;
    if (usage.bytes + bytes > quota.bytes || usage.messages + messages > quota.messages)
      throw new NameFault('OVERQUOTA', 'Mailbox is full');
  }

  async metadata(place: Place | undefined): Promise<ReadonlyMap<string, string>> {
    return readMetadata(this.#metadataFile(place), this.#user);
  }

  async setMetadata(
    place: Place | undefined,
    values: ReadonlyMap<string, string | undefined>,
  ): Promise<void> {
    const file = this.#metadataFile(place);
    await withLock(place?.root ?? this.root, () => changeMetadata(file, this.#user, values));
  }

  #metadataFile(place: Place | undefined): string {
    return place === undefined ? metadataFile(this.root, true) : metadataFile(place.dir);
  }

  #quotaOf(place: Place): Quota | undefined {
    return place.root === this.root ? this.#quota : undefined;
  }

  #spot(name: string): Spot {
    const { space, path } = this.#naming.parse(name);
    if (space !== 'personal') throw new NameFault('NONEXISTENT', 'No such mailbox');
    return this.#personal(path, name);
  }

  #personal(path: FolderPath, name: string): Spot {
    const usual = this.#naming.format({ space: 'personal', path }) ?? name;
    return { space: 'personal', home: this.#home, path, owner: this.#user, name: usual };
  }

  #placeOf({ space, home, path, name }: Spot): Place {
    return {
      name,
      space: space === 'personal' ? 'personal' : 'shared',
      dir: path.length === 0 ? home.root : join(home.root, home.tree.directoryFor(path)),
      root: home.root,
      trash: path.length === 1 && path[0] === this.#trash,
    };
  }

  #rights({ home, path, owner }: Spot): Rights {
    const isOwner = owner === this.#user;
    // Without lists nobody can give anything: the right to change them is taken away too, as in Courier.
    if (!this.#acl) return isOwner ? ALL_RIGHTS.replace('a', '') : '';
    const mine = isOwner ? ['owner', ...this.#identifiers] : this.#identifiers;
    return computeRights(home.acls.read(path), mine, isOwner ? 'la' : '');
  }

  /** Who may not see it is told that it is not there. */
  #demand(spot: Spot, rights: Rights): void {
    const mine = this.#rights(spot);
    if (!mine.includes('l')) throw new NameFault('NONEXISTENT', 'No such mailbox');
    if ([...rights].some((right) => !mine.includes(right)))
      throw new NameFault('NOPERM', 'No permission');
  }

  #placesOf(old: Spot, fresh: Spot, { from, to, fromDirectory, toDirectory }: Move) {
    const place = (spot: Spot, path: FolderPath, directory: string): Place => ({
      ...this.#placeOf({ ...spot, path, name: this.#nameOf(spot, path) }),
      dir: join(spot.home.root, directory),
    });
    return { from: place(old, from, fromDirectory), to: place(fresh, to, toDirectory) };
  }

  #nameOf(spot: Spot, path: FolderPath): string {
    const below = path.slice(spot.path.length);
    return [spot.name, ...below].join(this.#naming.separator);
  }
}

function above(spot: Spot): Spot {
  return { ...spot, path: spot.path.slice(0, -1) };
}

/** Units of quotas in IMAP: 1024 bytes, rounded up. */
function kibibytes(bytes: number): number {
  return Math.ceil(bytes / 1024);
}
