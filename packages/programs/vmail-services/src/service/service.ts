// What a service for requests consists of: one object, of which each kind of process uses its own part.

import type { Log } from '@q/log';
import type { WorkerPlaces, WorkerPool } from '@q/service';
import type { Conn, HeldSocket } from '@q/session';

export type Env = Readonly<Record<string, string | undefined>>;

export interface RequestService {
  readonly name: string;
  /** Front process, no rights: reads one request. undefined when there is none to be answered. */
  read(conn: Conn, id: number, log: Log): Promise<unknown>;
  /** Parent, root on a real host: answers it, and closes the socket. What the front sent is `request`. */
  serve(id: number, request: unknown, held: HeldSocket, places: ParentPlaces): Promise<void>;
  /** Worker, the owner of a domain in its home: does a piece of work. `held` is a client, for it to answer. */
  work(work: unknown, held: HeldSocket | undefined, places: WorkerPlaces): Promise<unknown>;
}

export interface ParentPlaces {
  readonly env: Env;
  readonly workers: WorkerPool;
  readonly log: Log;
  /** The options of the command line. */
  readonly options: Readonly<Record<string, unknown>>;
}
