// What a program says goes to descriptor 2, which qmail-local makes part of the delivery's report.

import { writeSync } from 'node:fs';

/** Writes one line. Nobody to tell is no reason to fail: the exit code is what counts. */
export function report(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // A closed or full descriptor 2.
  }
}
