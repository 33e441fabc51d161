// What one connection remembers between commands.

import type { MoreHosts } from '@q/control';
import type { Queue } from '@q/queue-socket';
import type { Conn, Peer } from '@q/session';
import type { Config } from './config.ts';

/** What the server is built on, the same for all connections. */
export interface Services {
  /** QMAILHOME. */
  readonly home: string;
  readonly queue: Queue;
  /** Unix time in seconds. */
  now(): number;
}

/** A mail transaction: from MAIL to the end of DATA, or to what resets it. */
export interface Transaction {
  readonly sender: string;
  readonly recipients: string[];
}

export interface State {
  readonly conn: Conn;
  readonly peer: Peer;
  readonly config: Config;
  readonly services: Services;
  /** HELO's or EHLO's argument, once given. */
  helo: string | undefined;
  transaction: Transaction | undefined;
  readonly moreHosts: MoreHosts;
}

/** Says one reply; the session goes on. */
export function reply(state: State, text: string): 'next' {
  state.conn.write(`${text}\r\n`);
  return 'next';
}
