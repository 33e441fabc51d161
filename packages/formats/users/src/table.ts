// users/cdb as qmail-lspawn uses it: kept open, and opened anew when another is in its place.

import { type Stats, statSync } from 'node:fs';
import type { Cdb } from '@q/cdb';
import { errnoText, Temporary } from '@q/fault';
import type { Assignment } from './assignment.ts';
import { EXIT_USERS_CDB, lookupAssignment, openUsersCdb } from './lookup.ts';

export class UsersTable {
  readonly #home: string;
  #cdb: Cdb | undefined;
  /** What the open one was when it was opened. */
  #version: string | undefined;

  constructor(home: string) {
    this.#home = home;
  }

  /**
   * The assignment of a local part (latin1, any case); undefined without one, or without a table. qmail-newu may put
   * a new table in place at any time: it counts from the next call on. Throws Temporary (exit 117).
   */
  find(local: string): Assignment | undefined {
    const version = versionOf(this.#look());
    if (version !== this.#version) {
      this.close();
      if (version !== undefined) this.#cdb = openUsersCdb(this.#home);
      // Should another have come in between, the next look sees that.
      this.#version = version;
    }
    return this.#cdb === undefined ? undefined : lookupAssignment(this.#cdb, local);
  }

  close(): void {
    this.#cdb?.close();
    this.#cdb = undefined;
    this.#version = undefined;
  }

  #look(): Stats | undefined {
    try {
      return statSync(`${this.#home}/users/cdb`, { throwIfNoEntry: false });
    } catch (cause) {
      const text = `unable to stat users/cdb: ${errnoText(cause)}`;
      throw new Temporary(text, { cause, exitCode: EXIT_USERS_CDB });
    }
  }
}

function versionOf(stats: Stats | undefined): string | undefined {
  if (stats === undefined) return undefined;
  return `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
}
