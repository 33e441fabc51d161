// Who a connection belongs to, asked of the host it comes from: RFC 1413.
//
//   question = remote-port " , " local-port CR LF
//   answer   = port "," port ":" "USERID" ":" system ":" user      / port "," port ":" "ERROR" ":" reason
//
// Example: 6193, 23 : USERID : UNIX : joe

import { connectTo, connOf } from '@q/session';
import { IDENT_LINE_MAX, IDENT_NAME_MAX } from './limits.ts';

export interface IdentQuestion {
  readonly localIp: string;
  readonly localPort: number;
  readonly remoteIp: string;
  readonly remotePort: number;
}

const IDENT_PORT = 113;

/**
 * The user's name, in printable ASCII; undefined when nobody answers within `seconds` for the connection
 * and as many for the answer. Never rejects. What it says is only as true as that host.
 */
export async function askIdent(
  question: IdentQuestion,
  seconds: number,
  port = IDENT_PORT,
): Promise<string | undefined> {
  const { localIp, localPort, remoteIp, remotePort } = question;
  try {
    const socket = await connectTo(remoteIp, port, localIp, seconds);
    const conn = connOf(socket, socket, { deadline: Date.now() + seconds * 1000 });
    try {
      conn.write(`${remotePort} , ${localPort}\r\n`);
      const line = await conn.readLine(IDENT_LINE_MAX);
      return line === undefined ? undefined : userIn(line.toString('latin1'));
    } finally {
      conn.destroy();
    }
  } catch {
    return undefined;
  }
}

/** The name in an answer, undefined in any other line. */
export function userIn(line: string): string | undefined {
  const user =
    /^[\t ]*[0-9]+[\t ]*,[\t ]*[0-9]+[\t ]*:[\t ]*USERID[\t ]*:[^:]*:[\t ]*([^\t ].*)$/s.exec(
      line,
    )?.[1];
  return user?.slice(0, IDENT_NAME_MAX).replace(/[^ -~]/g, '?');
}
