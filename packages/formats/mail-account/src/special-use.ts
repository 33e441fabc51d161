// What mailboxes are for (RFC 6154): told by the file `imapspecialuse` in the Maildir, which Courier passes over, else by
// the names that everybody uses.
//
//     \Sent INBOX.Gesendet
//     \Junk INBOX.Tést
//
// A use and a mailbox (mailbox-line.ts). Lines whose mailbox is not there count for nothing.

import { join } from 'node:path';
import { asciiEqual } from '@q/bytes';
import { faultOf } from '@q/fault';
import { writeFileAtomic } from '@q/fsx';
import type { FolderPath } from './folder-path.ts';
import { SPECIAL_USE_MAX } from './limits.ts';
import { mailboxLine, placeOfLine } from './mailbox-line.ts';
import { NameFault } from './name-fault.ts';
import { linesOf, readText } from './small-file.ts';

export const SPECIAL_USE_FILE = 'imapspecialuse';
/** The annotation that tells and sets a mailbox's uses: RFC 6154, section 4. */
export const SPECIAL_USE_ENTRY = '/private/specialuse';

/** The uses there are here, with the names of folders that have them if nothing else is said: the first that is there. */
const USES: ReadonlyMap<string, readonly string[]> = new Map([
  ['\\Archive', ['Archive', 'Archives']],
  ['\\Drafts', ['Drafts']],
  ['\\Junk', ['Junk', 'Spam']],
  ['\\Sent', ['Sent', 'Sent Messages', 'Sent Items']],
  ['\\Trash', ['Trash', 'Deleted Messages', 'Deleted Items']],
]);

interface Assigned {
  readonly use: string;
  readonly path: FolderPath;
}

/** Uses by path (levels joined by "."), for the folders that `exists` knows. */
export class SpecialUses {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Throws a fault. */
  all(exists: (path: string) => boolean): ReadonlyMap<string, readonly string[]> {
    return usesByPath(this.#read(), exists);
  }

  /**
   * The uses as they are written here. Throws NameFault USEATTR for one that no mailbox can have, or that another one than
   * the one at `path` has.
   */
  check(
    path: FolderPath,
    uses: readonly string[],
    exists: (path: string) => boolean,
  ): readonly string[] {
    const known = uses.map((use) => [...USES.keys()].find((one) => asciiEqual(one, use)));
    if (known.includes(undefined)) throw new NameFault('USEATTR', 'Special use not supported');
    const key = path.join('.');
    const taken = this.#read()
      .filter((one) => known.includes(one.use))
      .map((one) => one.path.join('.'));
    if (taken.some((other) => other !== key && exists(other)))
      throw new NameFault('USEATTR', 'Another mailbox has this special use');
    return known.filter((use) => use !== undefined);
  }

  /**
   * What is to be kept (by `keep`) so that the folder has these uses and no other. Throws NameFault USEATTR as `check`, and for
   * uses that its name gives it and nothing takes away.
   */
  exactly(
    path: FolderPath,
    uses: readonly string[],
    exists: (path: string) => boolean,
  ): readonly Assigned[] {
    const known = [...new Set(this.check(path, uses, exists))];
    const key = path.join('.');
    const others = this.#read().filter(
      (one) => one.path.join('.') !== key && !known.includes(one.use),
    );
    const assigned = [...others, ...known.map((use) => ({ use, path }))];
    const all = usesByPath(assigned, exists).get(key) ?? [];
    if (all.some((use) => !known.includes(use)))
      throw new NameFault('USEATTR', 'The mailbox has a special use by its name');
    return assigned;
  }

  /** To be called under the account's lock, as those below. Throws a fault. */
  async assign(path: FolderPath, uses: readonly string[]): Promise<void> {
    if (uses.length === 0) return;
    const others = this.#read().filter(({ use }) => !uses.includes(use));
    await this.keep([...others, ...uses.map((use) => ({ use, path }))]);
  }

  /** The folders have other paths now, or are no more. Throws a fault. */
  async follow(moved: ReadonlyMap<string, FolderPath | undefined>): Promise<void> {
    const before = this.#read();
    if (!before.some(({ path }) => moved.has(path.join('.')))) return;
    const after = before.map(({ use, path }) => {
      const key = path.join('.');
      return { use, path: moved.has(key) ? moved.get(key) : path };
    });
    await this.keep(after.filter((one): one is Assigned => one.path !== undefined));
  }

  /** Under the lock. Throws a fault. */
  async keep(assigned: readonly Assigned[]): Promise<void> {
    const lines = assigned.map(({ use, path }) => {
      const name = mailboxLine({ space: 'personal', path });
      return name === undefined ? '' : `${use} ${name}\n`;
    });
    try {
      await writeFileAtomic(join(this.#root, SPECIAL_USE_FILE), Buffer.from(lines.join('')), {
        mode: 0o600,
      });
    } catch (error) {
      throw faultOf(error, 'unable to write special uses');
    }
  }

  #read(): Assigned[] {
    const lines = linesOf(readText(join(this.#root, SPECIAL_USE_FILE), SPECIAL_USE_MAX) ?? '');
    return lines.map(decode).filter((one) => one !== undefined);
  }
}

/** Those that were assigned, and those of the usual names that nobody was assigned. */
function usesByPath(
  assigned: readonly Assigned[],
  exists: (path: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, string[]>();
  const add = (path: string, use: string) => {
    const known = uses.get(path);
    if (known === undefined) uses.set(path, [use]);
    else if (!known.includes(use)) known.push(use);
  };
  const stored = assigned.filter(({ path }) => exists(path.join('.')));
  for (const { use, path } of stored) add(path.join('.'), use);
  for (const [use, names] of USES) {
    if (stored.some((one) => one.use === use)) continue;
    const usual = names.find(exists);
    if (usual !== undefined) add(usual, use);
  }
  return uses;
}

function decode(line: string): Assigned | undefined {
  const space = line.indexOf(' ');
  const use = line.slice(0, space);
  const place = placeOfLine(line.slice(space + 1));
  if (!USES.has(use) || place?.space !== 'personal') return undefined;
  return { use, path: place.path };
}
