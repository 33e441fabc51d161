// THREAD=ORDEREDSUBJECT (RFC 5256, section 3): messages with one base subject, the first by date above all others.

import { type Forest, forestOf, type Threaded } from './threaded.ts';

export function threadBySubject({ subjects, byDate }: Threaded): Forest {
  const first = new Map<string, number>();
  const parents = new Int32Array(subjects.length).fill(-1);
  for (const message of byDate) {
    const subject = subjects[message] as string;
    const parent = first.get(subject);
    if (parent === undefined) first.set(subject, message);
    else parents[message] = parent;
  }
  return forestOf(parents, byDate, subjects.length);
}
