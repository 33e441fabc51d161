// A message that already has our own Delivered-To line has been here before.

import { LineSplitter, textOf } from '@q/bytes';
import { Permanent } from '@q/fault';

/**
 * Throws Permanent when a header line is, byte for byte, `deliveredTo` (one line with its LF). The header
 * ends at the first empty line; no line longer than the one looked for is held.
 */
export async function checkLoop(chunks: AsyncIterable<Buffer>, deliveredTo: string): Promise<void> {
  const wanted = deliveredTo.slice(0, -1);
  const lines = new LineSplitter(wanted.length);
  let inHeader = true;
  let looping = false;
  for await (const chunk of chunks) {
    lines.push(chunk, (line, overlong) => {
      if (!inHeader) return;
      if (line.length === 0) inHeader = false;
      else if (!overlong && textOf(line) === wanted) looping = true;
    });
    if (looping)
      throw new Permanent('This message is looping: it already has my Delivered-To line. (#5.4.6)');
    if (!inHeader) return;
  }
}
