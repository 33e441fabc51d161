// Whether a program can be started, and where the one beside it is: asked before somebody is told that it will be.

import { accessSync, constants, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** False for whatever reason; what is true now may be false when it is started. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The program `name` beside `program`, or beside the file that `program` is a link to: /usr/sbin/sendmail is usually
 * one to /var/qmail/bin/sendmail. Never `program` itself under another name. Undefined when there is none.
 */
export function programBeside(program: string, name: string): string | undefined {
  const own = realpathSync(program);
  return [dirname(program), dirname(own)]
    .map((dir) => join(dir, name))
    .find((path) => isExecutable(path) && realpathSync(path) !== own);
}
