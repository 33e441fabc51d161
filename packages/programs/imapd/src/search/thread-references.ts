// THREAD=REFERENCES and THREAD=REFS: steps 2 to 6 of RFC 5256, section 3. REFS (draft-ietf-morg-inthread) does without
// the subjects of step 5, and its threads are in the order of their latest messages, as Dovecot's are. Sorting each set of
// siblings is done once, by putting messages below their parents in order of date.

import { referenceLinks } from './reference-links.ts';
import { NO_SUBJECT, type ThreadKey } from './thread-keys.ts';
import { type Forest, forestOf, type Threaded } from './threaded.ts';

export interface ReferencesOptions {
  /** Threads with the same base subject become one. */
  readonly bySubject: boolean;
}

/** `rest` is awaited now and then. */
export async function threadByReferences(
  threaded: Threaded,
  { bySubject }: ReferencesOptions,
  rest: () => Promise<void>,
): Promise<Forest> {
  const { parents } = await referenceLinks(threaded, rest);
  const above = withoutDummies(parents, threaded.messages.length);
  const forest = forestOf(above, threaded.byDate, parents.length);
  await rest();
  return bySubject
    ? mergedBySubject(threaded, forest, above)
    : { ...forest, roots: byLatest(above, threaded.byDate, parents.length) };
}

/**
 * Steps 2 and 3: a message lies below its nearest ancestor that is a message; without one, at the top, or below the uppermost
 * dummy when that has another descendant so. -1 is the top.
 */
function withoutDummies(parents: Int32Array, count: number): Int32Array {
  /** Of dummies: what lies above all dummies in a row; a message, or the uppermost of them. */
  const tops = new Int32Array(parents.length).fill(-1);
  const topOf = (dummy: number): number => {
    const passed: number[] = [];
    let at = dummy;
    while (at >= count && tops[at] === -1) {
      passed.push(at);
      const next = parents[at] as number;
      if (next < 0) break;
      at = next;
    }
    const top = at >= count && (tops[at] as number) >= 0 ? (tops[at] as number) : at;
    for (const each of passed) tops[each] = top;
    return top;
  };
  const above = new Int32Array(count);
  const children = new Uint32Array(parents.length);
  for (let message = 0; message < count; message++) {
    const parent = parents[message] as number;
    const top = parent >= count ? topOf(parent) : parent;
    above[message] = top;
    if (top >= 0) children[top] = (children[top] as number) + 1;
  }
  return above.map((top) => (top >= count && children[top] === 1 ? -1 : top));
}

/** The roots of the forest that `above` makes, by the date of the last message in each thread. */
function byLatest(above: Int32Array, byDate: Uint32Array, nodes: number): readonly number[] {
  const rootOf = new Int32Array(nodes).fill(-1);
  const count = above.length;
  const roots: number[] = [];
  const isSeen = new Uint8Array(nodes);
  for (let place = byDate.length - 1; place >= 0; place--) {
    const way: number[] = [];
    let at = byDate[place] as number;
    while (rootOf[at] === -1) {
      way.push(at);
      const next = at < count ? (above[at] as number) : -1;
      if (next < 0) break;
      at = next;
    }
    const root = rootOf[at] === -1 ? at : (rootOf[at] as number);
    for (const node of way) rootOf[node] = root;
    if (isSeen[root] === 1) continue;
    isSeen[root] = 1;
    roots.push(root);
  }
  return roots.reverse();
}

/** Step 5. `above` is that of `forest`. */
function mergedBySubject(threaded: Threaded, forest: Forest, above: Int32Array): Forest {
  const { keys, subjectCount, byDate } = threaded;
  const count = above.length;
  const isDummy = (node: number) => node >= count;
  const isReply = (message: number) => (keys[message] as ThreadKey).isReply;
  const subjectOf = (root: number) => {
    const message = isDummy(root) ? (forest.firstChild[root] as number) : root;
    return (keys[message] as ThreadKey).subject;
  };
  /** By subject; -1: none. */
  const table = new Int32Array(subjectCount).fill(-1);
  for (const root of forest.roots) {
    const subject = subjectOf(root);
    const first = table[subject] as number;
    const isBetter =
      first < 0 || (!isDummy(first) && (isDummy(root) || (isReply(first) && !isReply(root))));
    if (subject !== NO_SUBJECT && isBetter) table[subject] = root;
  }
  const merged = above.slice();
  /** Dummies whose children went to another one. */
  const movedTo = new Map<number, number>();
  let nodes = forest.firstChild.length;
  for (const root of forest.roots) {
    const subject = subjectOf(root);
    const first = table[subject] as number;
    if (first < 0 || first === root) continue;
    if (isDummy(root)) {
      // The table has a dummy wherever there is one.
      movedTo.set(root, first);
    } else if (isDummy(first) || (isReply(root) && !isReply(first))) {
      merged[root] = first;
    } else {
      merged[root] = nodes;
      merged[first] = nodes;
      table[subject] = nodes;
      nodes += 1;
    }
  }
  const moved = merged.map((parent) => movedTo.get(parent) ?? parent);
  return forestOf(moved, byDate, nodes);
}
