// One message from its file to the client: as fast as the client takes it, one chunk in memory.

import { closeFd, readFd } from '@q/fsx';
import { BodyEncoder, OK } from '@q/pop3';
import type { Conn } from '@q/session';
import { CHUNK_BYTES } from './limits.ts';

/** An open message file; `size` in bytes when it was opened. */
export interface OpenMessage {
  readonly fd: number;
  readonly size: number;
}

/**
 * Sends +OK and the message, or the first `bodyLines` lines of its body, and closes the file.
 * Resolves to the bytes sent for the message; undefined when it could not be read at all and nothing
 * was sent. Throws when reading fails further on: the client must not take half a message for whole,
 * and the only way to tell it is to hang up.
 */
export async function sendMessage(
  conn: Conn,
  { fd, size }: OpenMessage,
  bodyLines: number | undefined,
): Promise<number | undefined> {
  try {
    const encoder = new BodyEncoder(bodyLines);
    // One buffer for all chunks of a message: what goes out is the encoder's copy.
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(size, CHUNK_BYTES)));
    let got: number;
    try {
      got = await readFd(fd, buffer, 0, buffer.length, null);
    } catch {
      return undefined;
    }
    let read = got;
    let sent = 0;
    conn.write(OK);
    while (got > 0 && !encoder.done) {
      const bytes = encoder.push(buffer.subarray(0, got));
      sent += bytes.length;
      conn.write(bytes);
      // The last chunk waits for the end, and leaves with it in one packet.
      if (read >= size) break;
      await conn.flush();
      got = await readFd(fd, buffer, 0, buffer.length, null);
      read += got;
    }
    const end = encoder.finish();
    conn.write(end);
    return sent + end.length;
  } finally {
    await closeFd(fd);
  }
}
