// What a service for requests consists of: one object, of which each kind of process uses its own part.

import type { Log } from '@q/log';
import type { WorkerPlaces, WorkerPool } from '@q/service';
import type { Conn, HeldSocket } from '@q/session';
import type { Verdict } from './messages.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface RequestService {
  readonly name: string;
  /** Front process, no rights: reads one request. undefined when there is none to be answered. */
  read(conn: Conn, id: number, log: Log): Promise<unknown>;
  /** Front process: whose password a request brings, and from where, as far as it is known; undefined: none. */
  guess(request: unknown): Guess | undefined;
  /**
   * Parent, root on a real host: answers it, and closes the socket. What the front sent is `request`. Resolves to
   * what its password was, if that was looked at.
   */
  serve(
    id: number,
    request: unknown,
    held: HeldSocket,
    places: ParentPlaces,
  ): Promise<Verdict | undefined>;
  /** Worker, the owner of a domain in its home: does a piece of work. `held` is a client, for it to answer. */
  work(work: unknown, held: HeldSocket | undefined, places: WorkerPlaces): Promise<unknown>;
}

/** What the login throttle wants to know. */
export interface Guess {
  /** Of the client's client; a unix socket itself has none. */
  readonly ip: string | undefined;
  readonly account: string;
}

export interface ParentPlaces {
  readonly env: Env;
  readonly workers: WorkerPool;
  readonly log: Log;
  /** The options of the command line. */
  readonly options: Readonly<Record<string, unknown>>;
}
