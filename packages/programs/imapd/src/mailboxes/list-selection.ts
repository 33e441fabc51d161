// Which names a LIST is answered with, and what is said of each (RFC 5258, sections 3.3 to 3.5; RFC 6154).

import type { ListArguments } from '@q/imap';
import type { ListedFolder } from '@q/mail-account';
import { type NameMatcher, namesAbove } from './names.ts';

type Selection = ListArguments['selection'][number];

export interface Selected {
  readonly folder: ListedFolder;
  /** Options of the selection that something below meets: CHILDINFO. */
  readonly childInfo: readonly Selection[] | undefined;
}

export interface ListQuestion {
  readonly matcher: NameMatcher;
  readonly selection: readonly Selection[];
  /** In the form of RFC 5258, which leaves out levels that nothing is to be learned of. */
  readonly extended: boolean;
}

/**
 * The entries of the answer. `folders` are those of the account, `subscriptions` all subscribed names: those that are no
 * folder are listed when subscriptions are asked for.
 */
export function selectNames(
  folders: readonly ListedFolder[],
  subscriptions: readonly string[],
  question: ListQuestion,
): Selected[] {
  const { matcher, selection, extended } = question;
  const criteria = selection.filter((option) => Object.hasOwn(MEETS, option));
  const recursive = selection.includes('RECURSIVEMATCH');
  const all = selection.includes('SUBSCRIBED') ? withAbsent(folders, subscriptions) : folders;
  const meets = (folder: ListedFolder) =>
    criteria.length === 0 ? folder.exists : criteria.every((one) => MEETS[one]?.(folder) === true);
  if (!extended)
    return all
      .filter(({ name }) => matcher.matches(name))
      .map((folder) => ({ folder, childInfo: undefined }));
  const below = belowOf(all, meets, matcher);
  return all.flatMap((folder) => {
    if (!matcher.matches(folder.name)) return [];
    const found = below.get(folder.name);
    const childInfo = recursive && found !== undefined ? criteria : undefined;
    if (meets(folder)) return [{ folder, childInfo }];
    // Else a name is there for what is below it and does not match by itself.
    const needed = found === 'unlisted' && (recursive || criteria.length === 0);
    return needed ? [{ folder, childInfo }] : [];
  });
}

const MEETS: Readonly<Partial<Record<Selection, (folder: ListedFolder) => boolean>>> = {
  SUBSCRIBED: ({ subscribed }) => subscribed,
  'SPECIAL-USE': ({ uses }) => uses.length > 0,
};

/** With subscribed names that are no folder, and the levels above them. */
function withAbsent(
  folders: readonly ListedFolder[],
  subscriptions: readonly string[],
): readonly ListedFolder[] {
  const all = new Map(folders.map((folder) => [folder.name, folder]));
  const separator = folders[0]?.separator ?? '/';
  const nothing = { separator, exists: false, hasChildren: false, uses: [] };
  const absent = subscriptions.filter((name) => !all.has(name));
  for (const name of absent) all.set(name, { ...nothing, name, subscribed: true });
  for (const level of absent.flatMap((name) => namesAbove(name, separator)))
    if (!all.has(level)) all.set(level, { ...nothing, name: level, subscribed: false });
  return [...all.values()];
}

/** The names that have something below that `meets`; 'unlisted' when one of those does not match. */
function belowOf(
  folders: readonly ListedFolder[],
  meets: (folder: ListedFolder) => boolean,
  matcher: NameMatcher,
): ReadonlyMap<string, 'listed' | 'unlisted'> {
  const below = new Map<string, 'listed' | 'unlisted'>();
  for (const folder of folders) {
    if (!meets(folder)) continue;
    const state = matcher.matches(folder.name) ? 'listed' : 'unlisted';
    for (const above of namesAbove(folder.name, folder.separator))
      if (below.get(above) !== 'unlisted') below.set(above, state);
  }
  return below;
}
