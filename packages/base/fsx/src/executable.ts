// Whether a program can be started, asked before somebody is told that it will be.

import { accessSync, constants } from 'node:fs';

/** False for whatever reason; what is true now may be false when it is started. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
