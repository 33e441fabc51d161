// Work on many users, one a line of standard input: vaddusers(1), vpasswds(1).
//
// Lines are prepared some at a time (hashing a password costs most, and uses all processors), outside the table's
// lock, and stored in their order with one change of the table: at the end of the input, when the input pauses (a
// program that waits for our answer before it writes on), or after BULK_SECONDS, so that what has been said to be
// done is on the disk, and a run that is killed loses no more than that.

import { createReadStream } from 'node:fs';
import { isatty } from 'node:tty';
import { LineSplitter, textOf } from '@q/bytes';
import { BULK_IDLE, BULK_LINE_MAX, BULK_PREPARED, BULK_SECONDS } from './limits.ts';
import type { Tool } from './tool.ts';

/** A line of input in latin1, without its end. */
export interface BulkLine {
  readonly text: string;
  /** It was cut to BULK_LINE_MAX. */
  readonly overlong: boolean;
}

export interface BulkWork<T> {
  prepare(line: BulkLine): Promise<T>;
  /** Stores what was prepared and says so. Gives the number of errors. */
  store(prepared: readonly T[]): Promise<number>;
}

/** Does the work for every line of standard input; true when there was no error. */
export async function bulk<T>(tool: Tool, work: BulkWork<T>): Promise<boolean> {
  const progress = openProgress(tool);
  let errors = 0;
  let done = 0;
  for await (const prepared of batches(standardInput(), (line) => {
    progress.show(`${++done} lines read`);
    return work.prepare(line);
  })) {
    progress.clear();
    errors += await work.store(prepared);
  }
  progress.clear();
  if (errors > 0) tool.complain(`${errors} errors were encountered.`);
  return errors === 0;
}

/** The words of a line: what is between C's white space. */
export function wordsOf(text: string): string[] {
  return text.split(/[ \t\r\n\v\f]+/).filter((word) => word !== '');
}

export interface Progress {
  show(text: string): void;
  clear(): void;
}

/** A line on stderr that is overwritten, a few times a second; nothing when stderr is no terminal. */
export function openProgress(tool: Tool, isTerminal = isatty(2)): Progress {
  let shown = 0;
  if (!isTerminal || tool.quiet) return { show: () => {}, clear: () => {} };
  return {
    show: (text) => {
      if (Date.now() - shown < 250) return;
      shown = Date.now();
      tool.output.control(`\r${tool.name}: ${text}\x1b[K`);
    },
    clear: () => {
      if (shown > 0) tool.output.control('\r\x1b[K');
      shown = 0;
    },
  };
}

/** What `prepare` made of the lines, in their order, in pieces that are to be stored together. */
export async function* batches<T>(
  lines: AsyncIterator<BulkLine>,
  prepare: (line: BulkLine) => Promise<T>,
): AsyncGenerator<T[]> {
  let next = lines.next();
  for (let ended = false; !ended; ) {
    const batch: Promise<T>[] = [];
    const running = new Set<Promise<T>>();
    const until = Date.now() + BULK_SECONDS * 1000;
    while (Date.now() < until) {
      const line = await (batch.length === 0 ? next : orIdle(next));
      if (line === undefined) break;
      if (line.done === true) {
        ended = true;
        break;
      }
      next = lines.next();
      const one = prepare(line.value);
      batch.push(one);
      running.add(one);
      // The failure is thrown where all are waited for.
      one.then(
        () => running.delete(one),
        () => {},
      );
      if (running.size >= BULK_PREPARED) await Promise.race(running);
    }
    if (batch.length > 0) yield await Promise.all(batch);
  }
}

// --- internal ---

/** Undefined when `next` takes longer than the pause of a program that waits for us. */
async function orIdle<T>(next: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const idle = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, BULK_IDLE, undefined);
  });
  try {
    return await Promise.race([next, idle]);
  } finally {
    clearTimeout(timer);
  }
}

async function* standardInput(): AsyncGenerator<BulkLine, undefined> {
  const splitter = new LineSplitter(BULK_LINE_MAX);
  let lines: BulkLine[] = [];
  const add = (bytes: Buffer, overlong: boolean) =>
    void lines.push({ text: textOf(bytes), overlong });
  for await (const chunk of createReadStream('', { fd: 0, autoClose: false })) {
    splitter.push(chunk as Buffer, add);
    yield* lines;
    lines = [];
  }
  splitter.end(add);
  yield* lines;
  return undefined;
}
