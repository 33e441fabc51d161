// The THREAD response (RFC 5256, section 4), in pieces. A chain of any length is written without recursion.
//
//   thread-data    = "THREAD" [SP 1*thread-list]
//   thread-list    = "(" (thread-members / thread-nested) ")"
//   thread-members = nz-number *(SP nz-number) [SP thread-nested]
//   thread-nested  = 2*thread-list

import { PIECE_LENGTH } from './limits.ts';
import type { Forest } from './threaded.ts';

/** "* THREAD (2)(3 6 (4 23)(44 7 96))" in pieces, without line end. `names`: message numbers or UIDs by message index. */
export function* threadResponse(
  { roots, firstChild, nextSibling }: Forest,
  names: readonly number[],
): Generator<string, void, undefined> {
  let text = '* THREAD';
  if (roots.length > 0) text += ' ';
  const waiting: number[] = [];
  for (const root of roots) {
    waiting.push(root);
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (node === CLOSE) text += ')';
      else {
        waiting.push(CLOSE);
        text += `(${names[node] ?? ''}`;
        // Only children go on in the same list.
        let child = firstChild[node] as number;
        while (child >= 0 && nextSibling[child] === -1) {
          text += ` ${names[child]}`;
          child = firstChild[child] as number;
          if (text.length >= PIECE_LENGTH) {
            yield text;
            text = '';
          }
        }
        if (child >= 0 && !text.endsWith('(')) text += ' ';
        pushSiblings(waiting, child, nextSibling);
      }
      if (text.length >= PIECE_LENGTH) {
        yield text;
        text = '';
      }
    }
  }
  yield text;
}

const CLOSE = -1;

/** The first of them is the next to be taken. */
function pushSiblings(waiting: number[], first: number, nextSibling: Int32Array): void {
  const from = waiting.length;
  for (let node = first; node >= 0; node = nextSibling[node] as number) waiting.push(node);
  for (let left = from, right = waiting.length - 1; left < right; left++, right--) {
    const kept = waiting[left] as number;
    waiting[left] = waiting[right] as number;
    waiting[right] = kept;
  }
}
