// A queue that remembers what it was given, and a client on a pipe: for this package's tests.

import { PassThrough } from 'node:stream';
import { textOf } from '@q/bytes';
import type { Queue, QueueResult } from '@q/queue-socket';
import { type Conn, connOf } from '@q/session';

export interface FakeQueue extends Queue {
  /** What was committed. */
  readonly queued: { readonly message: string; readonly envelope: readonly string[] }[];
  aborted: number;
  env: unknown;
  result: QueueResult;
}

export function fakeQueue(): FakeQueue {
  const queue: FakeQueue = {
    queued: [],
    aborted: 0,
    env: undefined,
    result: { code: 0, text: 'K', qp: '77' },
    close: () => {},
    async open(env) {
      queue.env = env;
      let message = '';
      let over = false;
      return {
        failed: false,
        async write(chunk) {
          message += textOf(chunk);
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

/** A connection whose client says `text`, in pieces of so many bytes, and then hangs up. */
export function talking(text: string, step = text.length || 1) {
  const input = new PassThrough();
  const output = new PassThrough();
  let heard = '';
  output.on('data', (chunk: Buffer) => {
    heard += textOf(chunk);
  });
  for (let at = 0; at < text.length; at += step)
    input.write(Buffer.from(text.slice(at, at + step), 'latin1'));
  input.end();
  const conn: Conn = connOf(input, output);
  return {
    conn,
    /** All that the server said, once the connection is closed. */
    async heard(): Promise<string> {
      await conn.close();
      return heard;
    },
  };
}

/** The latin1 text of one netstring. */
export function netstring(text: string): string {
  return `${text.length}:${text},`;
}
