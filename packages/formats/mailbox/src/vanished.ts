// Which UIDs are no more: VANISHED (EARLIER) of RFC 7162, section 3.2.6.

import type { Inside } from './inside.ts';

type Ranges = readonly (readonly [first: number, last: number])[];

/** Ascending. Where it is not known any more what went when: all UIDs that no message has. */
export function goneRanges({ changes, table, uidNext }: Inside, since: number): Ranges {
  const gone = changes?.goneSince(since);
  if (gone === undefined) return gaps(table.list, uidNext);
  const ranges: [number, number][] = [];
  for (const uid of [...gone].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && uid <= last[1] + 1) last[1] = Math.max(last[1], uid);
    else ranges.push([uid, uid]);
  }
  return ranges;
}

function gaps(messages: readonly { readonly uid: number }[], uidNext: number): Ranges {
  const ranges: [number, number][] = [];
  let next = 1;
  for (const { uid } of messages) {
    if (uid > next) ranges.push([next, uid - 1]);
    next = uid + 1;
  }
  if (uidNext > next) ranges.push([next, uidNext - 1]);
  return ranges;
}
