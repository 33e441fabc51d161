// setforward(1) and setmaillist(1): tables from instructions on standard input.

import { encodeCommands, InstructionReader, LIST_MAX, parseListLine } from '@q/aliases';
import { LineSplitter, textOf } from '@q/bytes';
import { type CdbEntry, writeCdbTo } from '@q/cdb';
import { Temporary } from '@q/fault';
import { writeFully } from '@q/fsx';
import type { Invocation } from '@q/proc';
import { inputChunks } from './input.ts';
import { replaceFile } from './replace.ts';

/** Bytes of a line of a mailing list: a path may have 4096, an address 800. */
const LINE_MAX = 8192;

/** Makes a forwarding database: args are its name and that of the temporary file. */
export async function setforwardMain({ args }: Invocation): Promise<number> {
  const [path, temporary] = args as [string, string];
  await replaceFile(path, temporary, (fd) => writeCdbTo(fd, instructionEntries()));
  return 0;
}

async function* instructionEntries(): AsyncGenerator<CdbEntry> {
  const reader = new InstructionReader();
  for await (const chunk of inputChunks()) yield* reader.push(chunk);
  reader.end();
}

/** Makes a binary mailing list: args are its name and that of the temporary file. */
export async function setmaillistMain({ args }: Invocation): Promise<number> {
  const [path, temporary] = args as [string, string];
  await replaceFile(path, temporary, writeList);
  return 0;
}

async function writeList(fd: number): Promise<void> {
  const splitter = new LineSplitter(LINE_MAX);
  let pieces: Buffer[] = [];
  let size = 0;
  const take = (line: Buffer, overlong: boolean) => {
    if (overlong) throw new Temporary('lines must be shorter');
    const command = parseListLine(textOf(line));
    if (command === undefined) return;
    const piece = encodeCommands([command]);
    size += piece.length;
    // fastforward would not read it.
    if (size > LIST_MAX) throw new Temporary(`a list has at most ${LIST_MAX} bytes`);
    pieces.push(piece);
  };
  const flush = () => {
    const bytes = Buffer.concat(pieces);
    pieces = [];
    return writeFully(fd, bytes);
  };
  for await (const chunk of inputChunks()) {
    splitter.push(chunk, take);
    await flush();
  }
  splitter.end(take);
  await flush();
}
