// An open message file as something to read ranges from. Its bytes are handed to the connection, which keeps them until the
// client has taken them: so none of them is ever used twice.

import { Temporary } from '@q/fault';
import { closeFd, readFd } from '@q/fsx';
import type { Folder, FolderMessage, OpenMessage } from '@q/mailbox';
import { type ByteSource, bufferSource } from '@q/mime';
import { CHUNK_BYTES, HELD_FILE_MAX } from './limits.ts';

export interface MessageFile {
  readonly size: number;
  /** INTERNALDATE in milliseconds. */
  readonly time: number;
  /** Throws Temporary when the file has become shorter than it was. */
  readonly source: ByteSource;
  /** Never throws. */
  close(): void;
}

/** Undefined: the message is gone. A small one is read at once, and nothing can happen to it then. */
export async function openMessageFile(
  folder: Pick<Folder, 'open'>,
  message: FolderMessage,
): Promise<MessageFile | undefined> {
  const opened = await folder.open(message);
  if (opened === undefined) return undefined;
  if (opened.size > HELD_FILE_MAX) return largeFile(opened);
  const { fd, size, time } = opened;
  try {
    const bytes = Buffer.allocUnsafe(size);
    await fill(fd, bytes, 0);
    return { size, time, source: bufferSource(bytes), close: () => {} };
  } finally {
    await closeFd(fd);
  }
}

function largeFile({ fd, size, time }: OpenMessage): MessageFile {
  let isOpen = true;
  return {
    size,
    time,
    source: (start, end) => readRange(fd, start, end),
    close() {
      // Nothing was written to it: there is nothing that could fail.
      if (isOpen) closeFd(fd).catch(() => {});
      isOpen = false;
    },
  };
}

async function* readRange(fd: number, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end; at += CHUNK_BYTES) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at));
    await fill(fd, chunk, at);
    yield chunk;
  }
}

async function fill(fd: number, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const got = await readFd(fd, bytes, at, bytes.length - at, position + at);
    if (got === 0) throw new Temporary('message file has become shorter');
    at += got;
  }
}
