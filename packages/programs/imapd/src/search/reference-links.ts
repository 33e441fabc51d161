// Who is whose parent, by Message-ID and References: step 1 of THREAD=REFERENCES (RFC 5256, section 3). A parent need not be in
// the mailbox: then a dummy stands for it.

import type { ThreadKey } from './thread-keys.ts';
import type { Threaded } from './threaded.ts';

export interface Links {
  /** By node: messages by index, then dummies. -1: no parent. */
  readonly parents: Int32Array;
}

/** Steps up that are taken before others have a turn. */
const STEPS_A_TURN = 100_000;

/** Links all messages; no message is its own ancestor. `rest` is awaited now and then. */
export async function referenceLinks(
  threaded: Threaded,
  rest: () => Promise<void>,
): Promise<Links> {
  const { keys } = threaded;
  const { nodeOfId, nodes } = nodesOf(threaded);
  const family = new Family(nodes);
  let turn = STEPS_A_TURN;
  for (let message = 0; message < keys.length; message++) {
    let parent = -1;
    for (const id of (keys[message] as ThreadKey).references) {
      const node = nodeOfId[id] as number;
      // (A): the ancestors in a row; a link that is there stays.
      if (parent >= 0 && family.parents[node] === -1) family.link(node, parent);
      parent = node;
    }
    // (B): the last is the parent, whatever others said of it.
    if (family.parents[message] !== parent) {
      family.cut(message);
      if (parent >= 0) family.link(message, parent);
    }
    if (family.steps + message < turn) continue;
    turn = family.steps + message + STEPS_A_TURN;
    await rest();
  }
  return { parents: family.parents };
}

/** Which node an id means: a message, or a dummy that is made for it. */
function nodesOf({ keys, idCount }: Threaded): { nodeOfId: Int32Array; nodes: number } {
  const nodeOfId = new Int32Array(idCount).fill(-1);
  // An id belongs to the first message that has it; the others are as if they had none.
  for (let message = 0; message < keys.length; message++) {
    const { id } = keys[message] as ThreadKey;
    if (id >= 0 && nodeOfId[id] === -1) nodeOfId[id] = message;
  }
  let nodes = keys.length;
  for (const { references } of keys)
    for (const id of references) if (nodeOfId[id] === -1) nodeOfId[id] = nodes++;
  return { nodeOfId, nodes };
}

/**
 * A forest that is made link by link. Whether a link would close a loop is asked of the tree above only when it can: when the
 * child has children, and both were ever in one tree.
 */
class Family {
  readonly parents: Int32Array;
  /** Steps up that were taken: the measure of work. */
  steps = 0;
  readonly #children: Uint32Array;
  /** Trees as sets; a set is not divided by cut(), so it may be larger than its tree. */
  readonly #sets: Int32Array;

  constructor(nodes: number) {
    this.parents = new Int32Array(nodes).fill(-1);
    this.#children = new Uint32Array(nodes);
    this.#sets = Int32Array.from({ length: nodes }, (_, node) => node);
  }

  /** `child` has no parent. Does nothing when `child` is an ancestor of `parent`, or is it. */
  link(child: number, parent: number): void {
    if (child === parent) return;
    const [a, b] = [this.#setOf(child), this.#setOf(parent)];
    if (a === b && (this.#children[child] as number) > 0 && this.#isAbove(child, parent)) return;
    this.parents[child] = parent;
    this.#children[parent] = (this.#children[parent] as number) + 1;
    this.#sets[a] = b;
  }

  cut(child: number): void {
    const parent = this.parents[child] as number;
    if (parent < 0) return;
    this.parents[child] = -1;
    this.#children[parent] = (this.#children[parent] as number) - 1;
  }

  #isAbove(ancestor: number, node: number): boolean {
    for (let at = node; at >= 0; at = this.parents[at] as number) {
      this.steps += 1;
      if (at === ancestor) return true;
    }
    return false;
  }

  #setOf(node: number): number {
    let at = node;
    while (this.#sets[at] !== at) {
      // Each second link of the way is shortened, so that ways stay short.
      const next = this.#sets[this.#sets[at] as number] as number;
      this.#sets[at] = next;
      at = next;
    }
    return at;
  }
}
