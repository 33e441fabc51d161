// Where a name leads, and what the user may do there.

import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ALL_RIGHTS, computeRights } from './acl-entries.ts';
import type { FolderPath } from './folder-path.ts';
import { Home, type Move } from './home.ts';
import { LinkedFolders } from './linked-folders.ts';
import type { ListBuilder } from './list.ts';
import type { Place, Rights } from './model.ts';
import { NameFault } from './name-fault.ts';
import { Naming, type Space } from './namespace.ts';
import type { AccountSettings } from './settings.ts';
import { type SharedAccount, SharedIndex } from './shared-index.ts';

/** With a folder that is linked to one may do what changes nothing there: flags are one's own. */
const LINKED_RIGHTS: Rights = 'lrsw';

/** A folder's name, taken apart. */
export interface Spot {
  readonly space: Space;
  readonly home: Home;
  readonly path: FolderPath;
  /** The identifier that is "owner" there. */
  readonly owner: string;
  readonly name: string;
}

export class Places {
  readonly naming: Naming;
  /** The user's own Maildir. */
  readonly home: Home;
  /** The user's identifier in access lists. */
  readonly user: string;
  readonly #identifiers: readonly string[];
  readonly #acl: boolean;
  readonly #trash: string;
  readonly #index: SharedIndex | undefined;
  /** Undefined: the user is not to see them. */
  readonly linked: LinkedFolders | undefined;

  constructor(settings: AccountSettings) {
    const { root, user, groups = [], acl = true, shared = true, sharedIndex } = settings;
    this.naming = new Naming(settings.namespace);
    this.home = new Home(root);
    this.user = `user=${user}`;
    this.#identifiers = [this.user, ...groups.map((group) => `group=${group}`)];
    this.#acl = acl;
    this.#trash = settings.trashFolder ?? 'Trash';
    if (shared) this.linked = new LinkedFolders(root);
    if (shared && acl && sharedIndex !== undefined)
      this.#index = new SharedIndex(sharedIndex, root, settings.sharedNamesMunged ?? false);
  }

  /** Namespaces beside the user's own. Throws a fault. */
  spaces(): readonly Space[] {
    const spaces: Space[] = [];
    if (this.#index !== undefined) spaces.push('shared');
    if (this.linked?.isConfigured === true) spaces.push('linked');
    return spaces;
  }

  /** Throws NameFault for a name that can lead nowhere. */
  spot(name: string): Spot {
    const { space, path } = this.naming.parse(name);
    const usual = this.naming.format({ space, path }) ?? name;
    const own = { space, home: this.home, path, owner: this.user, name: usual };
    if (space === 'personal' || (space === 'linked' && this.linked !== undefined)) return own;
    const found = space === 'shared' ? this.#index?.find(path) : undefined;
    if (found === undefined) throw noSuchMailbox();
    return this.#sharedSpot(found.account, new Home(found.account.root), found.path);
  }

  place({ space, home, path, name }: Spot): Place {
    const { root } = home;
    if (space === 'linked') {
      const dir = this.linked?.dirOf(path) ?? root;
      return { name, space: 'shared', dir, root, trash: false, counted: false };
    }
    return {
      name,
      space,
      dir: home.dirOf(path),
      root,
      trash: path.join('.') === this.#trash,
      counted: home.counts(path),
    };
  }

  /** The places of a folder that is renamed. */
  placesOf(old: Spot, fresh: Spot, { from, to, fromDirectory, toDirectory }: Move) {
    const place = (spot: Spot, path: FolderPath, directory: string): Place => {
      const below = path.slice(spot.path.length);
      const name = [spot.name, ...below].join(this.naming.separator);
      return { ...this.place({ ...spot, path, name }), dir: join(spot.home.root, directory) };
    };
    return { from: place(old, from, fromDirectory), to: place(fresh, to, toDirectory) };
  }

  /** Whether the folder is there, whoever may see it. Throws a fault. */
  has({ space, home, path }: Spot): boolean {
    return space === 'linked' ? this.linked?.isLinked(path) === true : home.has(path);
  }

  /** Throws a fault when one's own list cannot be read. */
  rights({ space, home, path, owner }: Spot): Rights {
    if (space === 'linked') return LINKED_RIGHTS;
    const isOwner = owner === this.user;
    // Without lists nobody can give anything: the right to change them is taken away too, as in Courier.
    if (!this.#acl) return isOwner ? ALL_RIGHTS.replace('a', '') : '';
    if (isOwner) return computeRights(home.acls.read(path), ['owner', ...this.#identifiers], 'la');
    try {
      return computeRights(home.acls.read(path), this.#identifiers);
    } catch {
      // What of others cannot be read is not there.
      return '';
    }
  }

  /** Throws NameFault NOPERM when one of `rights` is missing. Who may not see it is told that it is not there. */
  demand(spot: Spot, rights: Rights): void {
    const mine = this.rights(spot);
    if (!mine.includes('l')) throw noSuchMailbox();
    if ([...rights].some((right) => !mine.includes(right)))
      throw new NameFault('NOPERM', 'No permission');
  }

  /** Adds what the user may see of others. */
  async listShared(builder: ListBuilder): Promise<void> {
    for (const account of this.#index?.accounts() ?? []) {
      await this.#listAccount(builder, account);
      await nextTurn();
    }
    for (const { path, linked } of (await this.linked?.folders()) ?? [])
      builder.add({ space: 'linked', path }, [], linked);
  }

  async #listAccount(builder: ListBuilder, account: SharedAccount): Promise<void> {
    const home = new Home(account.root);
    // One that cannot be read is on another server, or for others.
    const folders = await home.tree.folders().catch(() => undefined);
    if (folders === undefined) return;
    for (const path of [[], ...folders.map((folder) => folder.path)]) {
      if (!this.rights(this.#sharedSpot(account, home, path)).includes('l')) continue;
      builder.add({ space: 'shared', path: [...account.path, ...path] }, []);
    }
  }

  #sharedSpot(account: SharedAccount, home: Home, path: FolderPath): Spot {
    const whole = [...account.path, ...path];
    const name = this.naming.format({ space: 'shared', path: whole }) ?? '';
    return { space: 'shared', home, path, owner: `user=${account.user}`, name };
  }
}

/** What is at `spot`, or may not be known of, is not there. */
export function noSuchMailbox(): NameFault {
  return new NameFault('NONEXISTENT', 'No such mailbox');
}

/** The level above, in the same Maildir. */
export function above(spot: Spot): Spot {
  return { ...spot, path: spot.path.slice(0, -1) };
}
