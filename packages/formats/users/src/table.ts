// users/cdb as qmail-lspawn uses it: kept open, and opened anew when another is in its place.

import type { Cdb } from '@q/cdb';
import { Temporary } from '@q/fault';
import type { Assignment } from './assignment.ts';
import { EXIT_USERS_CDB, lookupAssignment, openUsersCdb } from './lookup.ts';

export class UsersTable {
  readonly #home: string;
  #cdb: Cdb | undefined;

  constructor(home: string) {
    this.#home = home;
  }

  /**
   * The assignment of a local part (latin1, any case); undefined without one, or without a table. qmail-newu may put
   * a new table in place at any time: it counts from the next call on. Throws Temporary (exit 117).
   */
  find(local: string): Assignment | undefined {
    if (this.#cdb !== undefined && hasChanged(this.#cdb)) this.close();
    this.#cdb ??= openUsersCdb(this.#home);
    return this.#cdb === undefined ? undefined : lookupAssignment(this.#cdb, local);
  }

  close(): void {
    this.#cdb?.close();
    this.#cdb = undefined;
  }
}

function hasChanged(cdb: Cdb): boolean {
  try {
    return cdb.changed();
  } catch (cause) {
    throw new Temporary((cause as Error).message, { cause, exitCode: EXIT_USERS_CDB });
  }
}
