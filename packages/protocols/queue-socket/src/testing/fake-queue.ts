// A queue that remembers what it was given: for the tests of those who put mail into one.

import { textOf } from '@q/bytes';
import type { Queue, QueueResult } from '../index.ts';

export interface FakeQueue extends Queue {
  /** What was committed. */
  readonly queued: { readonly message: string; readonly envelope: readonly string[] }[];
  aborted: number;
  env: unknown;
  result: QueueResult;
  /** Called for each write; a promise holds the writer up. */
  onWrite: (size: number) => Promise<void> | void;
}

export function fakeQueue(): FakeQueue {
  const queue: FakeQueue = {
    queued: [],
    aborted: 0,
    env: undefined,
    result: { code: 0, text: 'K', qp: '77' },
    onWrite: () => {},
    close: () => {},
    async open(env) {
      queue.env = env;
      let message = '';
      let over = false;
      return {
        failed: false,
        async write(chunk) {
          message += textOf(chunk);
          await queue.onWrite(chunk.length);
        },
        async commit(sender, recipients) {
          over = true;
          if (queue.result.code === 0)
            queue.queued.push({ message, envelope: [sender, ...recipients] });
          return queue.result;
        },
        abort() {
          if (!over) queue.aborted++;
          over = true;
        },
      };
    },
  };
  return queue;
}
