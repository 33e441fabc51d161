// AUTH: RFC 5034, with the initial response of its section 4.
//
//   C: AUTH PLAIN                          C: AUTH PLAIN AHRpbQB0YW4=
//   S: + <base64 challenge, or nothing>    S: +OK
//   C: <base64 response, or "*" to give up>
//
// AUTH alone lists the mechanisms, as clients from before CAPA expect.

import { bytesOf } from '@q/bytes';
import {
  decodeBase64,
  type Mechanism,
  mechanismOf,
  RESPONSE_MAX,
  type SaslLogin,
  startExchange,
} from '@q/sasl';
import { type Conn, LineTooLong } from '@q/session';
import { END_OF_LIST, ERR, OK } from './replies.ts';

/** Goes through an exchange: the login it ends in, or the reply the client is to get instead. */
export async function auth(
  conn: Conn,
  argument: string,
  offered: readonly Mechanism[],
  stamp: string,
): Promise<SaslLogin | string> {
  if (argument === '') return `${OK}${offered.map((name) => `${name}\r\n`).join('')}${END_OF_LIST}`;
  const [name = '', initial, ...rest] = argument.split(' ').filter((word) => word !== '');
  const mechanism = mechanismOf(name, offered);
  if (mechanism === undefined) return offered.length === 0 ? ERR.tlsFirst : ERR.mechanism;
  if (rest.length > 0) return ERR.syntax;
  const exchange = startExchange(mechanism, stamp);
  let response: Buffer | undefined;
  if (initial !== undefined) {
    // "=" is a response that is there, and empty.
    response = initial === '=' ? Buffer.alloc(0) : decodeBase64(initial);
    if (response === undefined) return ERR.syntax;
  }
  for (;;) {
    const step = exchange(response);
    if (step.is === 'login') return step.login;
    if (step.is === 'malformed') return ERR.syntax;
    conn.write(`+ ${bytesOf(step.text).toString('base64')}\r\n`);
    const line = await nextLine(conn);
    if (line === undefined) return ERR.syntax;
    if (line === '*') return ERR.cancelled;
    response = decodeBase64(line);
    if (response === undefined) return ERR.syntax;
  }
}

/** Undefined at the end of input, and for a line that is too long, which is passed over. */
async function nextLine(conn: Conn): Promise<string | undefined> {
  try {
    return (await conn.readLine(RESPONSE_MAX))?.toString('latin1');
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
    await conn.skipLine();
    return undefined;
  }
}
