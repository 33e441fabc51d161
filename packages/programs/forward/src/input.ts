// What the table makers read: standard input in pieces, or a text file whole.

import { readFileSync, statSync } from 'node:fs';
import { LIST_MAX } from '@q/aliases';
import { textOf } from '@q/bytes';
import { errnoText, isFault, Temporary } from '@q/fault';
import { stdinChunks } from '@q/fsx';

/** Standard input as it comes. Throws Temporary. */
export async function* inputChunks(): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* stdinChunks(null);
  } catch (error) {
    throw new Temporary(`unable to read input: ${errnoText(error)}`, { cause: error });
  }
}

/** All of standard input. Throws Temporary when there is too much of it. */
export async function wholeInput(): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of inputChunks()) {
    size += chunk.length;
    if (size > LIST_MAX) throw new Temporary('unable to read input: too much of it');
    parts.push(Buffer.from(chunk));
  }
  return Buffer.concat(parts, size);
}

/** A text file. Throws Temporary. */
export function readText(path: string): string {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw new Temporary(`unable to read ${path}: not a regular file`);
    if (stats.size > LIST_MAX) throw new Temporary(`unable to read ${path}: too large`);
    return textOf(readFileSync(path));
  } catch (error) {
    if (isFault(error)) throw error;
    throw new Temporary(`unable to read ${path}: ${errnoText(error)}`, { cause: error });
  }
}
