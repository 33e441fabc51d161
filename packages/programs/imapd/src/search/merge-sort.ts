// Sorts large arrays of indices in slices, so that nobody waits long for a turn.

/** Indices sorted at once: a few milliseconds' work. */
const SLICE = 1024;

/**
 * Sorts `indices` in place by `compare`, which must be a total order (ties decided). O(n log n). `rest` is awaited between slices
 * of work.
 */
export async function mergeSort(
  indices: Uint32Array,
  compare: (a: number, b: number) => number,
  rest: () => Promise<void>,
): Promise<void> {
  const { length } = indices;
  for (let at = 0; at < length; at += SLICE) {
    const slice = indices.subarray(at, at + SLICE);
    if (!isSorted(slice, compare)) slice.sort(compare);
    await rest();
  }
  let from: Uint32Array = indices;
  let to: Uint32Array = new Uint32Array(length);
  for (let width = SLICE; width < length; width *= 2) {
    for (let at = 0; at < length; at += 2 * width) {
      const middle = Math.min(at + width, length);
      await merge({ from, to, at, middle, end: Math.min(middle + width, length) }, compare, rest);
    }
    [from, to] = [to, from];
  }
  if (from !== indices) indices.set(from);
}

interface Halves {
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly at: number;
  readonly middle: number;
  readonly end: number;
}

async function merge(
  { from, to, at, middle, end }: Halves,
  compare: (a: number, b: number) => number,
  rest: () => Promise<void>,
): Promise<void> {
  if (middle >= end || compare(from[middle - 1] as number, from[middle] as number) <= 0) {
    to.set(from.subarray(at, end), at);
    return;
  }
  let left = at;
  let right = middle;
  for (let place = at; place < end; place++) {
    const takeLeft =
      right >= end || (left < middle && compare(from[left] as number, from[right] as number) <= 0);
    to[place] = from[takeLeft ? left++ : right++] as number;
    if ((place - at) % SLICE === SLICE - 1) await rest();
  }
}

/** Most mail comes in the order in which it was sent. */
function isSorted(indices: Uint32Array, compare: (a: number, b: number) => number): boolean {
  for (let at = 1; at < indices.length; at++)
    if (compare(indices[at - 1] as number, indices[at] as number) > 0) return false;
  return true;
}
