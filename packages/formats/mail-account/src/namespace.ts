// What folders are called by clients. Two ways, by setting; on disk all is the same.
//
//     modern     Arch/2026         the shared ones #shared/bob/Arch and #public/list/Arch
//     courier    INBOX.Arch.2026   the shared ones #shared.bob.Arch and shared.list.Arch
//
// "modern" is what clients assume that do not ask. A folder of the Maildir named INBOX has no name there, as INBOX is
// the Maildir itself; those below it are INBOX/x.

import { asciiEqual } from '@q/bytes';
import { type FolderPath, parsePath } from './folder-path.ts';
import { NAME_MAX } from './limits.ts';
import type { Namespaces } from './model.ts';
import { NameFault } from './name-fault.ts';

/** Where a folder is: below one's own INBOX, in the Maildir of another (ACL), or in one that is linked to (old kind). */
export type Space = 'personal' | 'shared' | 'linked';

export interface SpacePath {
  readonly space: Space;
  /** Personal: below INBOX, [] is INBOX itself. Shared and linked: below the prefix, at least one level. */
  readonly path: FolderPath;
}

interface Kind {
  readonly separator: string;
  readonly prefixes: Readonly<Record<Space, string>>;
}

export type NamespaceKind = 'modern' | 'courier';

const KINDS: Readonly<Record<NamespaceKind, Kind>> = {
  modern: {
    separator: '/',
    prefixes: { personal: '', shared: '#shared/', linked: '#public/' },
  },
  courier: {
    separator: '.',
    prefixes: { personal: 'INBOX.', shared: '#shared.', linked: 'shared.' },
  },
};

/** Names of one kind. */
export class Naming {
  readonly separator: string;
  readonly #prefixes: Kind['prefixes'];

  constructor(kind: NamespaceKind) {
    this.separator = KINDS[kind].separator;
    this.#prefixes = KINDS[kind].prefixes;
  }

  /** What NAMESPACE tells (RFC 2342). */
  namespaces(spaces: readonly Space[]): Namespaces {
    const entry = (space: Space) => ({
      prefix: this.#prefixes[space],
      separator: this.separator,
    });
    return {
      personal: [entry('personal')],
      others: [],
      shared: spaces.filter((space) => space !== 'personal').map(entry),
    };
  }

  /** Throws NameFault CANNOT for a name that leads nowhere in any namespace, LIMIT for one too long. */
  parse(name: string): SpacePath {
    if (asciiEqual(name, 'INBOX')) return { space: 'personal', path: [] };
    if (Buffer.byteLength(name) > NAME_MAX) throw new NameFault('LIMIT', 'Mailbox name too long');
    for (const space of ['shared', 'linked'] as const) {
      const prefix = this.#prefixes[space];
      if (`${name}${this.separator}`.startsWith(prefix))
        return { space, path: this.#levels(name.slice(prefix.length)) };
    }
    const prefix = this.#prefixes.personal;
    if (!asciiEqual(name.slice(0, prefix.length), prefix))
      throw new NameFault('CANNOT', 'Mailbox name outside of the namespaces');
    const [first = '', ...rest] = this.#levels(name.slice(prefix.length));
    if (prefix === '' && asciiEqual(first, 'INBOX'))
      return { space: 'personal', path: ['INBOX', ...rest] };
    return { space: 'personal', path: [first, ...rest] };
  }

  /** Undefined for a folder that has no name in this kind. */
  format({ space, path }: SpacePath): string | undefined {
    if (space === 'personal' && path.length === 0) return 'INBOX';
    const prefix = this.#prefixes[space];
    if (space === 'personal' && prefix === '' && this.#isReserved(path)) return undefined;
    const name = prefix + path.join(this.separator);
    return Buffer.byteLength(name) > NAME_MAX ? undefined : name;
  }

  /** The level above in the tree of names; undefined at its top. */
  above({ space, path }: SpacePath): SpacePath | undefined {
    const isInInbox = space === 'personal' && this.#prefixes.personal !== '';
    if (path.length > 1) {
      const above = path.slice(0, -1);
      const isInboxItself = space === 'personal' && !isInInbox && above.join() === 'INBOX';
      return { space, path: isInboxItself ? [] : above };
    }
    return isInInbox && path.length === 1 ? { space, path: [] } : undefined;
  }

  /** Without a prefix of its own a personal name can be one that means something else. */
  #isReserved(path: FolderPath): boolean {
    const [first = '', ...rest] = path;
    if (asciiEqual(first, 'INBOX')) return first !== 'INBOX' || rest.length === 0;
    const { shared, linked } = this.#prefixes;
    return [shared, linked].includes(`${first}${this.separator}`);
  }

  #levels(rest: string): FolderPath {
    return parsePath(rest, this.separator);
  }
}

/** What tells two places apart. */
export function keyOf(place: SpacePath): string;
export function keyOf(place: SpacePath | undefined): string | undefined;
export function keyOf(place: SpacePath | undefined): string | undefined {
  return place && `${place.space} ${place.path.join('.')}`;
}
