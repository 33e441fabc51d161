// What the log says of clients: Courier's lines, which fail2ban and logwatch read. A name the client chose cannot pass for
// another field: what separates fields is escaped in it, and what no line should hold.
//
//   Connection, ip=[192.0.2.7], port=[50082]
//   LOGIN, user=joe@example.org, ip=[192.0.2.7], port=[50082], protocol=IMAP, starttls=1
//   LOGIN, user=joe@example.org, ip=[192.0.2.7], port=[50082], protocol=IMAP, starttls=1, method=EXTERNAL
//   LOGIN FAILED, user=x\x2c\x20ip\x3d\x5b1.2.3.4\x5d, ip=[192.0.2.7], port=[50082]
//   LOGOUT, user=joe@example.org, ip=[192.0.2.7], port=[50082], headers=0, body=0, rcvd=73, sent=819, time=3
//   DISCONNECTED, TIMEOUT: the same fields

import { quoteForLog } from '@q/log';
import type { Peer } from '@q/session';
import type { Ending } from './dispatch.ts';
import { LOGGED_MAX } from './limits.ts';

/** Where a client is. */
export interface Whence {
  readonly ip: string;
  /** Undefined on a pipe. */
  readonly port: number | undefined;
}

/** What a session did; bytes, and the second it began. */
export interface Traffic {
  readonly headers: number;
  readonly body: number;
  readonly rcvd: number;
  readonly sent: number;
}

export function whenceOf({ remoteIp, remotePort }: Pick<Peer, 'remoteIp' | 'remotePort'>): Whence {
  return { ip: remoteIp, port: remotePort };
}

export type EndWord = 'LOGOUT' | 'DISCONNECTED' | 'TIMEOUT';

export function endWord(ending: Ending): EndWord {
  if (ending === 'logout') return 'LOGOUT';
  return ending === 'timeout' ? 'TIMEOUT' : 'DISCONNECTED';
}

export function connectionLine(from: Whence): string {
  return `Connection, ${placeOf(from)}`;
}

/** `method`: undefined for a password, or a proof of one. */
export function loginLine(user: string, from: Whence, tls: boolean, method?: 'EXTERNAL'): string {
  const how = `${tls ? ', starttls=1' : ''}${method === undefined ? '' : `, method=${method}`}`;
  return `LOGIN, user=${name(user)}, ${placeOf(from)}, protocol=IMAP${how}`;
}

export function failedLine(user: string, from: Whence): string {
  return `LOGIN FAILED, user=${name(user)}, ${placeOf(from)}`;
}

/** Neither right nor wrong: nobody could tell, or nobody looked. */
export function troubleLine(user: string, from: Whence, why: string): string {
  return `LOGIN TROUBLE, user=${name(user)}, ${placeOf(from)}, reason=${why}`;
}

/** `traffic` undefined: nobody knows. */
export function endLine(
  word: EndWord,
  user: string,
  from: Whence,
  traffic: Traffic | undefined,
  seconds: number,
): string {
  const numbers =
    traffic === undefined
      ? 'unfinished'
      : `headers=${traffic.headers}, body=${traffic.body}, rcvd=${traffic.rcvd}, sent=${traffic.sent}`;
  return `${word}, user=${name(user)}, ${placeOf(from)}, ${numbers}, time=${seconds}`;
}

function placeOf({ ip, port }: Whence): string {
  return `ip=[${quoteForLog(ip)}]${port === undefined ? '' : `, port=[${port}]`}`;
}

function name(text: string): string {
  return quoteForLog(text.slice(0, LOGGED_MAX)).replace(
    /[ ,=[\]]/g,
    (separator) => `\\x${separator.charCodeAt(0).toString(16)}`,
  );
}
