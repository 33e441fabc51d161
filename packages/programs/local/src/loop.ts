// A message that already has our own Delivered-To line has been here before.

import { bytesOf, LineSplitter, textOf } from '@q/bytes';
import { Permanent } from '@q/fault';

const EMPTY_LINE = Buffer.from('\n\n');
const LF = 10;

/**
 * Throws Permanent when a header line is, byte for byte, `deliveredTo` (one line with its LF). The header
 * ends at the first empty line; no line longer than the one looked for is held.
 */
export function checkLoop(chunks: Iterable<Buffer>, deliveredTo: string): void {
  let lines: HeaderLines | undefined;
  for (const chunk of chunks) {
    if (lines === undefined) {
      const end = chunk[0] === LF ? 0 : chunk.indexOf(EMPTY_LINE);
      if (end >= 0) {
        if (hasLine(chunk.subarray(0, end + 1), bytesOf(deliveredTo))) throw looping();
        return;
      }
      lines = new HeaderLines(deliveredTo.slice(0, -1));
    }
    lines.push(chunk);
    if (lines.found) throw looping();
    if (lines.over) return;
  }
}

/** True when `header`, whole lines, has that line. */
function hasLine(header: Buffer, line: Buffer): boolean {
  for (let at = header.indexOf(line); at >= 0; at = header.indexOf(line, at + 1))
    if (at === 0 || header[at - 1] === LF) return true;
  return false;
}

/** The same for a header that does not end in the first chunk. */
class HeaderLines {
  readonly #wanted: string;
  readonly #lines: LineSplitter;
  found = false;
  over = false;

  constructor(wanted: string) {
    this.#wanted = wanted;
    this.#lines = new LineSplitter(wanted.length);
  }

  push(chunk: Buffer): void {
    this.#lines.push(chunk, (line, overlong) => {
      if (this.over) return;
      if (line.length === 0) this.over = true;
      else if (!overlong && textOf(line) === this.#wanted) this.found = true;
    });
  }
}

function looping(): Permanent {
  return new Permanent('This message is looping: it already has my Delivered-To line. (#5.4.6)');
}
