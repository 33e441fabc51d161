// The boundaries that may end or begin a part at the place being read: one for each multipart that is open, from the
// outermost to the innermost. They stand in a trie of bytes, so that a line costs its own length however many there
// are, and however alike.

interface Node {
  readonly next: Map<number, Node>;
  /** The levels of the multiparts whose boundary ends here, innermost last. */
  readonly levels: number[];
}

export interface BoundaryMatch {
  /** As given to push(). */
  readonly level: number;
  /** Bytes of the boundary. */
  readonly length: number;
}

export class BoundarySet {
  readonly #root: Node = newNode();
  readonly #stack: { readonly level: number; readonly boundary: Uint8Array }[] = [];

  get isEmpty(): boolean {
    return this.#stack.length === 0;
  }

  /** Adds the boundary of the multipart at `level`, which is above all the levels that are there. */
  push(level: number, boundary: Uint8Array): void {
    let node = this.#root;
    for (const byte of boundary) {
      let next = node.next.get(byte);
      if (next === undefined) {
        next = newNode();
        node.next.set(byte, next);
      }
      node = next;
    }
    node.levels.push(level);
    this.#stack.push({ level, boundary });
  }

  /** Removes the boundaries of `level` and of all above it. */
  popFrom(level: number): void {
    for (;;) {
      const last = this.#stack.at(-1);
      if (last === undefined || last.level < level) return;
      this.#stack.pop();
      this.#remove(last.boundary);
    }
  }

  /**
   * The longest boundary that the bytes from `from` to `to` begin with; of equal ones the innermost. What follows it on
   * the line does not matter: RFC 2046, 5.1.1 wants the beginning compared. The longest wins because one boundary may
   * be another's prefix.
   */
  match(bytes: Uint8Array, from: number, to: number): BoundaryMatch | undefined {
    let found: BoundaryMatch | undefined;
    let node: Node | undefined = this.#root;
    for (let at = from; at < to; ) {
      node = node.next.get(bytes[at++] as number);
      if (node === undefined) break;
      const level = node.levels.at(-1);
      if (level !== undefined) found = { level, length: at - from };
    }
    return found;
  }

  #remove(boundary: Uint8Array): void {
    const path: Node[] = [this.#root];
    for (const byte of boundary) path.push((path.at(-1) as Node).next.get(byte) as Node);
    path.at(-1)?.levels.pop();
    for (let i = boundary.length; i > 0; i--) {
      const node = path[i] as Node;
      if (node.levels.length > 0 || node.next.size > 0) return;
      (path[i - 1] as Node).next.delete(boundary[i - 1] as number);
    }
  }
}

function newNode(): Node {
  return { next: new Map(), levels: [] };
}
