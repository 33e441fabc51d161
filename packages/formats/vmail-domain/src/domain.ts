// The virtual domain of the working directory, which is its owner's home: settings, table, directories.

import {
  type Draft,
  openSettings,
  openUserTable,
  type Settings,
  type Table,
  tablePath,
  updateTable,
  userDirectory,
} from '@q/vmailmgr';

export interface Domain {
  readonly home: string;
  readonly settings: Settings;
  /** To be closed. */
  openTable(): Table;
  /** Calls `change` under the table's lock; nothing is written when it throws. */
  update<T>(change: (draft: Draft) => T | Promise<T>): Promise<T>;
  /** The directory of user `name` by the settings, relative to the home: "./users/joe". */
  directoryOf(name: string): string;
}

export function openDomain(home: string, env: Readonly<NodeJS.ProcessEnv>): Domain {
  const settings = openSettings({ home, env });
  return {
    home,
    settings,
    openTable: () => openUserTable(home, settings),
    update: (change) => updateTable(tablePath(home, settings), change),
    directoryOf: (name) => `./${userDirectory(name, settings)}`,
  };
}

/** Looks once at the table of `domain`. */
export function withTable<T>(domain: Domain, look: (table: Table) => T): T {
  const table = domain.openTable();
  try {
    return look(table);
  } finally {
    table.close();
  }
}
