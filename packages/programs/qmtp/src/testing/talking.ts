// A client on a pipe: for this package's tests.

import { PassThrough } from 'node:stream';
import { textOf } from '@q/bytes';
import { type Conn, connOf } from '@q/session';

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
