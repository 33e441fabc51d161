// Reads one request from a connection.

import { faultOf } from '@q/fault';
import type { Conn } from '@q/session';
import { decodeRequest, Malformed, type Request, requestLength } from '@q/vmailmgrd';

/** Throws Malformed for what is no request, Timeout for one that does not come to its end in time. */
export async function readRequest(conn: Conn): Promise<Request> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const length = requestLength(bytes);
    if (length !== undefined && bytes.length >= length) return decodeRequest(bytes);
    const more = await conn.read();
    if (more === undefined) throw new Malformed('Short read from client');
    bytes = Buffer.concat([bytes, more]);
  }
}

/** Why there is no request, for the log. */
export function whyUnread(error: unknown): string {
  return error instanceof Malformed ? error.message : faultOf(error, 'Read error').message;
}
