// Long responses go out as the client takes them.

import type { Session } from '../session.ts';
import { PIECE_LENGTH } from './limits.ts';

/** Writes one response and its line end. Throws what drain() throws. */
export async function writeLong(session: Session, response: string): Promise<void> {
  for (let at = 0; at < response.length; at += PIECE_LENGTH) {
    session.write(response.slice(at, at + PIECE_LENGTH));
    await session.drain();
  }
  session.write('\r\n');
}
