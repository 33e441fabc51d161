// THREAD=ORDEREDSUBJECT (RFC 5256, section 3): messages with one base subject, the first by date above all others.

import type { ThreadKey } from './thread-keys.ts';
import { type Forest, forestOf, type Threaded } from './threaded.ts';

export function threadBySubject({ keys, subjectCount, byDate }: Threaded): Forest {
  /** By subject: -1 until there is one. */
  const first = new Int32Array(subjectCount).fill(-1);
  const parents = new Int32Array(keys.length).fill(-1);
  for (const message of byDate) {
    const { subject } = keys[message] as ThreadKey;
    const parent = first[subject] as number;
    if (parent < 0) first[subject] = message;
    else parents[message] = parent;
  }
  return forestOf(parents, byDate, keys.length);
}
