// A program in qmail-queue's place that keeps what it gets: for servers without a queue behind them.

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes HOME/queue such a program, which anybody may run. */
export function makeKeepingQueue(home: string): void {
  mkdirSync(join(home, 'kept'));
  chmodSync(join(home, 'kept'), 0o777);
  queueProgram(home, `cat >${home}/kept/$$.message && cat <&1 >${home}/kept/$$.envelope`);
}

/** Makes HOME/queue a shell script. */
export function queueProgram(home: string, text: string): void {
  writeFileSync(join(home, 'queue'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

/** The kept messages, by their envelopes. */
export function keptIn(home: string): Map<string, string> {
  const files = readdirSync(join(home, 'kept')).filter((name) => name.endsWith('.envelope'));
  return new Map(
    files.map((name) => [
      readFileSync(join(home, 'kept', name), 'latin1'),
      readFileSync(join(home, 'kept', name.replace('envelope', 'message')), 'latin1'),
    ]),
  );
}
