// What qmail-pw2u reads, line by line: a passwd file may have hundreds of thousands of accounts.

import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { asciiLower, LineSplitter, textOf } from '@q/bytes';
import { type ColonMap, parseColonMap, parseList } from '@q/control';
import { errnoOf, errnoText, Temporary } from '@q/fault';

/** Bytes of a line: what getpwnam itself would take is far less; a device or a log has no end. */
const LINE_MAX = 65_536;

const BLOCK = 65_536;

export const standardInput = 0;

export interface Rules {
  /** Names in lower case; undefined: no such file, everybody is included. */
  readonly include: ReadonlySet<string> | undefined;
  readonly exclude: ReadonlySet<string> | undefined;
  /** The names under which a user gets mail instead of the own one, between colons. */
  readonly mailNames: ColonMap | undefined;
}

/** users/include, users/exclude and users/mailnames. Throws Temporary for one that cannot be read. */
export function readRules(users: string): Rules {
  const names = (file: string) => {
    const list = listIn(join(users, file));
    return list && new Set(list.map(asciiLower));
  };
  const mailNames = listIn(join(users, 'mailnames'));
  return {
    include: names('include'),
    exclude: names('exclude'),
    mailNames: mailNames && parseColonMap(mailNames),
  };
}

/**
 * The lines of a file, or of a descriptor, without their LF; none for a file that is not there. Throws Temporary
 * when it cannot be read, or for a line that is too long.
 */
export function* linesOf(source: string | number): Generator<Buffer> {
  const name = typeof source === 'number' ? 'input' : source;
  const fd = typeof source === 'number' ? source : openIfThere(source);
  if (fd === undefined) return;
  const splitter = new LineSplitter(LINE_MAX);
  let number = 0;
  let lines: Buffer[] = [];
  const take = (line: Buffer, overlong: boolean) => {
    number++;
    if (overlong) throw new Temporary(`line ${number} of ${name} is too long`);
    lines.push(line);
  };
  try {
    const block = Buffer.allocUnsafe(BLOCK);
    for (;;) {
      const got = readBlock(fd, block, name);
      if (got === 0) break;
      splitter.push(block.subarray(0, got), take);
      yield* lines;
      lines = [];
    }
    splitter.end(take);
    yield* lines;
  } finally {
    if (typeof source === 'string') closeSync(fd);
  }
}

function listIn(path: string): string[] | undefined {
  const fd = openIfThere(path);
  if (fd === undefined) return undefined;
  closeSync(fd);
  return [...linesOf(path)].flatMap((line) => parseList(textOf(line)));
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new Temporary(`unable to open ${path}: ${errnoText(error)}`, { cause: error });
  }
}

function readBlock(fd: number, block: Buffer, name: string): number {
  for (;;) {
    try {
      return readSync(fd, block, 0, block.length, null);
    } catch (error) {
      if (errnoOf(error) === 'EOF') return 0;
      if (errnoOf(error) !== 'EAGAIN')
        throw new Temporary(`unable to read ${name}: ${errnoText(error)}`, { cause: error });
      // Somebody made the descriptor non-blocking: the writer is slow, not gone.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
