// One message from its file to the client: as fast as the client takes it, one chunk in memory.

import { closeSync } from 'node:fs';
import { PacedReader } from '@q/fsx';
import { giveBackRoom, takeRoom } from '@q/net';
import { BodyEncoder, OK } from '@q/pop3';
import type { Conn } from '@q/session';

/** One for all sessions: they share the disk. */
const reader = new PacedReader();

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
  // A message is in memory one room at a time; what goes out is the encoder’s copy.
  const room = takeRoom();
  try {
    const encoder = new BodyEncoder(bodyLines);
    let got: number;
    try {
      got = await reader.read(fd, room);
    } catch {
      return undefined;
    }
    let read = got;
    let sent = 0;
    conn.write(OK);
    while (got > 0 && !encoder.done) {
      const bytes = encoder.push(room.subarray(0, got));
      sent += bytes.length;
      conn.write(bytes);
      // The last chunk waits for the end, and leaves with it in one packet.
      if (read >= size) break;
      await conn.flush();
      got = await reader.read(fd, room);
      read += got;
    }
    const end = encoder.finish();
    conn.write(end);
    return sent + end.length;
  } finally {
    giveBackRoom(room);
    closeSync(fd);
  }
}
