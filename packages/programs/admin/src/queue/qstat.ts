// qmail-qstat(8): how many messages are queued, and how many of them qmail-send has not yet looked at.

import type { Invocation } from '@q/proc';
import { openOutput } from '../output.ts';
import { openQueue } from './access.ts';
import { idsIn, splitIds } from './walk.ts';

export function qstatMain({ env, options }: Invocation): number {
  const { paths } = openQueue(env);
  const messages = count(splitIds(paths, 'mess'));
  const unprocessed = count(idsIn(paths, 'todo'));
  const out = openOutput();
  if (options.json === true) out.json({ messages, unprocessed });
  else {
    out.write(`messages in queue: ${messages}\n`);
    out.write(`messages in queue but not yet preprocessed: ${unprocessed}\n`);
  }
  out.flush();
  return 0;
}

function count(ids: Iterable<string>): number {
  let n = 0;
  for (const _ of ids) n++;
  return n;
}
