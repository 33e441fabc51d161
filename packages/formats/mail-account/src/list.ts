// What LIST has to choose from: folders, and the levels above them that are none.

import type { ListedFolder } from './model.ts';
import { keyOf, type Naming, type Space, type SpacePath } from './namespace.ts';

interface Row {
  readonly key: string;
  readonly name: string;
  /** What rows are sorted by. */
  readonly order: string;
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
    const row = this.#row(place);
    if (row === undefined) return;
    row.exists = exists;
    row.uses = uses;
    this.#addLevels(place);
  }

  /** INBOX first, then by name, one's own before those of others. */
  list(subscriptions: readonly SpacePath[]): ListedFolder[] {
    const subscribed = new Set(subscriptions.map((place) => keyOf(place)));
    const rows = [...this.#rows.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
    const { separator } = this.#naming;
    return rows.map(({ key, name, exists, hasChildren, uses }) => {
      return { name, separator, exists, hasChildren, subscribed: subscribed.has(key), uses };
    });
  }

  #addLevels({ space, path }: SpacePath): void {
    for (let level = path; ; ) {
      const above = this.#naming.above({ space, path: level });
      const row = above && this.#row(above);
      // Those above it have been told before.
      if (row === undefined || row.hasChildren) return;
      row.hasChildren = true;
      level = (above as SpacePath).path;
    }
  }

  /** Undefined for what has no name in this kind of namespace. */
  #row(place: SpacePath): Row | undefined {
    const key = keyOf(place);
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const name = this.#naming.format(place);
    if (name === undefined) return undefined;
    // A level comes before what is below it, whatever characters the names have.
    const order = ORDER.indexOf(place.space) + place.path.join('\0');
    const row = { key, name, order, exists: false, hasChildren: false, uses: [] };
    this.#rows.set(key, row);
    return row;
  }
}
