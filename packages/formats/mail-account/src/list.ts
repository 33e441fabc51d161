// What LIST has to choose from: folders, and the levels above them that are none.

import type { FolderPath } from './folder-path.ts';
import type { ListedFolder } from './model.ts';
import { keyOf, type Naming, type Space, type SpacePath } from './namespace.ts';

interface Row {
  readonly space: Space;
  readonly path: FolderPath;
  exists: boolean;
  hasChildren: boolean;
  uses: readonly string[];
}

const ORDER: readonly Space[] = ['personal', 'shared', 'linked'];

export class ListBuilder {
  readonly #naming: Naming;
  readonly #rows = new Map<string, Row>();

  constructor(naming: Naming) {
    this.#naming = naming;
  }

  /** A folder that may be seen; `exists`: and selected. */
  add(place: SpacePath, uses: readonly string[], exists = true): void {
    if (this.#naming.format(place) === undefined) return;
    const row = this.#row(place);
    row.exists = exists;
    row.uses = uses;
    this.#addLevels(place);
  }

  /** INBOX first, then by name, one's own before those of others. */
  list(subscriptions: readonly SpacePath[]): ListedFolder[] {
    const subscribed = new Set(subscriptions.map((place) => keyOf(place)));
    const rows = [...this.#rows.values()].sort(compare);
    return rows.flatMap((row) => {
      const name = this.#naming.format(row);
      if (name === undefined) return [];
      const { exists, hasChildren, uses } = row;
      const { separator } = this.#naming;
      const isSubscribed = subscribed.has(keyOf(row));
      return [{ name, separator, exists, hasChildren, subscribed: isSubscribed, uses }];
    });
  }

  #addLevels({ space, path }: SpacePath): void {
    for (let level = path; ; ) {
      const above = this.#naming.above({ space, path: level });
      if (above === undefined) return;
      const row = this.#row(above);
      // Those above it have been told before.
      if (row.hasChildren) return;
      row.hasChildren = true;
      level = above.path;
    }
  }

  #row(place: SpacePath): Row {
    const key = keyOf(place);
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = { ...place, exists: false, hasChildren: false, uses: [] };
    this.#rows.set(key, row);
    return row;
  }
}

function compare(one: Row, other: Row): number {
  const order = ORDER.indexOf(one.space) - ORDER.indexOf(other.space);
  if (order !== 0) return order;
  const [a, b] = [one.path.join('\0'), other.path.join('\0')];
  return a < b ? -1 : Number(a > b);
}
