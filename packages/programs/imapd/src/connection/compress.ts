// COMPRESS=DEFLATE (RFC 4978).

import type { Dispatcher } from '../dispatch.ts';
import { ok, replyLine } from '../reply.ts';
import type { Reply } from '../session.ts';

export async function compress(
  dispatcher: Dispatcher,
  _given: object,
  tag: string,
): Promise<Reply | undefined> {
  const { conn, reader, session } = dispatcher;
  if (!dispatcher.compressible)
    return { status: 'NO', code: 'COMPRESSIONACTIVE', text: 'Compressed already' };
  dispatcher.compressible = false;
  // The answer is the last that goes out in clear; what the client has sent behind its command is compressed.
  session.write(replyLine(tag, ok('From here on')));
  conn.unread(reader.takeRest());
  await conn.compress();
  return undefined;
}
