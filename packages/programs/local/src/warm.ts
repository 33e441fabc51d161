// A program run on an open file, with one pipe for what it prints: by a warm worker where one is to be had.

import { closeSync } from 'node:fs';
import { pipe } from '@q/posix';
import { processReport, type Ran, REFUSAL } from '@q/spawn';
import type { Worker } from '@q/warm';

/**
 * Has `worker` run its program with `args`, `input` as fd 0 and a pipe as fd 1 and 2, of which the first
 * `keep` bytes are kept. Undefined when nothing has been begun and nothing will be.
 */
export async function runInWorker(
  worker: Worker,
  args: readonly string[],
  input: number,
  keep: number,
): Promise<Ran | { readonly refusal: string } | undefined> {
  let ends: ReturnType<typeof pipe>;
  try {
    ends = pipe();
  } catch {
    worker.end();
    return { refusal: REFUSAL.cannotPipe };
  }
  const ended = worker.begin({ args }, [input, ends.write, ends.write]);
  closeSync(ends.write);
  if (ended !== undefined) return processReport(ended, ends.read, keep);
  closeSync(ends.read);
  return undefined;
}
