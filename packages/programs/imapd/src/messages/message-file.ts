// An open message file as something to read ranges from. Its bytes are handed to the connection, which keeps them until the
// client has taken them: so none of them is ever used twice.

import { closeSync } from 'node:fs';
import { Temporary } from '@q/fault';
import { PacedReader } from '@q/fsx';
import type { Folder, FolderMessage, OpenMessage } from '@q/mailbox';
import { type ByteSource, bufferSource } from '@q/mime';
import { headerEnd } from './held-section.ts';
import { CHUNK_BYTES, HEAD_BYTES, HELD_FILE_MAX } from './limits.ts';

export interface MessageFile {
  readonly size: number;
  /** INTERNALDATE in milliseconds. */
  readonly time: number;
  /** Throws Temporary when the file has become shorter than it was. */
  readonly source: ByteSource;
  /** All of it, where it is small; or its beginning up to the end of the header, where no more was asked for. */
  readonly held: Buffer | undefined;
  /** Never throws. */
  close(): void;
}

/** One for all sessions: they share the disk. */
const reader = new PacedReader();

/**
 * Undefined: the message is gone. A small one is read at once, and nothing can happen to it then. `headOnly`: nothing but its
 * header is wanted; where that is short, no more is read.
 */
export async function openMessageFile(
  folder: Pick<Folder, 'open'>,
  message: FolderMessage,
  headOnly = false,
): Promise<MessageFile | undefined> {
  const opened = await folder.open(message);
  if (opened === undefined) return undefined;
  let stays = false;
  try {
    const head = headOnly && opened.size > HEAD_BYTES ? await headOf(opened) : undefined;
    if (head !== undefined) return heldFile(opened, head);
    stays = opened.size > HELD_FILE_MAX;
    return stays ? largeFile(opened) : heldFile(opened, await bytesOf(opened, opened.size));
  } finally {
    if (!stays) closeSync(opened.fd);
  }
}

/** Undefined: the header goes on behind what is read of it. */
async function headOf(opened: OpenMessage): Promise<Buffer | undefined> {
  const bytes = await bytesOf(opened, HEAD_BYTES);
  const end = headerEnd(bytes);
  return end < bytes.length ? bytes.subarray(0, end) : undefined;
}

async function bytesOf({ fd }: OpenMessage, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  await fill(fd, bytes, 0);
  return bytes;
}

function heldFile({ size, time }: OpenMessage, held: Buffer): MessageFile {
  return { size, time, held, source: bufferSource(held), close: () => {} };
}

function largeFile({ fd, size, time }: OpenMessage): MessageFile {
  let isOpen = true;
  return {
    size,
    time,
    held: undefined,
    source: (start, end) => readRange(fd, start, end),
    close() {
      if (isOpen) closeSync(fd);
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
    const reading = reader.read(fd, bytes.subarray(at), position + at);
    const got = typeof reading === 'number' ? reading : await reading;
    if (got === 0) throw new Temporary('message file has become shorter');
    at += got;
  }
}
