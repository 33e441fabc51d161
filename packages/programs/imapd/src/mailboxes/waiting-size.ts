// The size of messages that are still in new/, of which no cache knows: their files are read.

import { constants } from 'node:fs';
import { type FileHandle, open, opendir } from 'node:fs/promises';
import { faultOf } from '@q/fault';

/**
 * Bytes of the messages in `dir`/new as they are sent, with CRLF. `pause` is called after each. Files that vanish meanwhile, and
 * what is no file, count nothing. Throws a fault.
 */
export async function waitingSize(dir: string, pause: () => Promise<void>): Promise<number> {
  let sum = 0;
  try {
    for await (const { name } of await opendir(`${dir}/new`, {
      encoding: 'latin1' as BufferEncoding,
    })) {
      if (name.startsWith('.')) continue;
      sum += await wireSize(Buffer.from(`${dir}/new/`), name);
      await pause();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return sum;
    throw faultOf(error, `unable to read ${dir}/new`);
  }
  return sum;
}

async function wireSize(parent: Buffer, name: string): Promise<number> {
  const path = Buffer.concat([parent, Buffer.from(name, 'latin1')]);
  let file: FileHandle;
  try {
    // A FIFO must not hold us up.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return 0;
  }
  try {
    return (await file.stat()).isFile() ? await countWithCrlf(file) : 0;
  } finally {
    await file.close();
  }
}

/** A LF without CR before it is sent as two. */
async function countWithCrlf(file: FileHandle): Promise<number> {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  let size = 0;
  let last = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return size;
    size += bytesRead;
    const piece = buffer.subarray(0, bytesRead);
    for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, at + 1))
      if ((at === 0 ? last : piece[at - 1]) !== CR) size += 1;
    last = piece[bytesRead - 1] ?? 0;
  }
}

const LF = 0x0a;
const CR = 0x0d;
