// An open message file as something to read ranges from. Its bytes may be handed to the connection, which keeps them until the
// client has taken them: so none of them is used twice, unless who opens the file says that he is done with them when he closes it.

import { closeSync } from 'node:fs';
import { Temporary } from '@q/fault';
import { PacedReader } from '@q/fsx';
import type { Folder, FolderMessage, OpenMessage } from '@q/mailbox';
import { type ByteSource, bufferSource } from '@q/mime';
import { giveBackRoom, ROOM_SIZE, takeRoom } from '@q/net';
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

/** What somebody opens a message's file for. */
export interface FileUse {
  /** Nothing but its header is wanted; where that is short, no more is read. */
  readonly headOnly?: boolean;
  /** Nobody looks at `held` or `source` once the file is closed: a connection does, which has not sent them yet. */
  readonly untilClosed?: boolean;
}

/** One for all sessions: they share the disk. */
const reader = new PacedReader();

/**
 * Undefined: the message is gone. A small one is read at once, and nothing can happen to it then. No promise for what the page
 * cache has, which most is: it would cost as much as the file.
 */
export function openMessageFile(
  folder: Pick<Folder, 'open'>,
  message: FolderMessage,
  use: FileUse = {},
): MessageFile | undefined | Promise<MessageFile | undefined> {
  const opening = folder.open(message);
  if (opening instanceof Promise) return opening.then((opened) => opened && fileOf(opened, use));
  return opening && fileOf(opening, use);
}

/** The descriptor is the file's from here on. */
function fileOf(opened: OpenMessage, use: FileUse): MessageFile | Promise<MessageFile> {
  const isHead = use.headOnly === true && opened.size > HEAD_BYTES;
  if (!isHead && opened.size > HELD_FILE_MAX) return largeFile(opened);
  const size = isHead ? HEAD_BYTES : opened.size;
  const room = use.untilClosed === true && size <= ROOM_SIZE ? takeRoom() : undefined;
  const bytes = room === undefined ? Buffer.allocUnsafe(size) : room.subarray(0, size);
  const read = () => (isHead ? headOf(opened, bytes, room) : heldFile(opened, bytes, room));
  let filling: undefined | Promise<void>;
  try {
    filling = fill(opened.fd, bytes, 0);
  } catch (error) {
    closeSync(opened.fd);
    throw error;
  }
  if (filling === undefined) return read();
  return filling.then(read, (error: unknown) => {
    closeSync(opened.fd);
    throw error;
  });
}

/** `bytes`: its beginning. */
function headOf(
  opened: OpenMessage,
  bytes: Buffer,
  room: Buffer | undefined,
): MessageFile | Promise<MessageFile> {
  const end = headerEnd(bytes);
  return end < bytes.length
    ? heldFile(opened, bytes.subarray(0, end), room)
    : fileOf(opened, { untilClosed: room !== undefined });
}

/** `room`: where `held` is; closing the file gives it back. */
function heldFile(
  { fd, size, time }: OpenMessage,
  held: Buffer,
  room: Buffer | undefined,
): MessageFile {
  closeSync(fd);
  let left = room;
  return {
    size,
    time,
    held,
    source: bufferSource(held),
    close() {
      if (left !== undefined) giveBackRoom(left);
      left = undefined;
    },
  };
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
    const filling = fill(fd, chunk, at);
    if (filling !== undefined) await filling;
    yield chunk;
  }
}

/** Undefined: it is done already. */
function fill(fd: number, bytes: Buffer, position: number): undefined | Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const reading = reader.read(fd, at === 0 ? bytes : bytes.subarray(at), position + at);
    if (typeof reading !== 'number') return fillOn(reading, fd, bytes.subarray(at), position + at);
    if (reading === 0) throw shortened();
    at += reading;
  }
  return undefined;
}

/** Once `reading`, the first read into `bytes`, is done. */
async function fillOn(
  reading: Promise<number>,
  fd: number,
  bytes: Buffer,
  position: number,
): Promise<void> {
  const got = await reading;
  if (got === 0) throw shortened();
  const filling = fill(fd, bytes.subarray(got), position + got);
  if (filling !== undefined) await filling;
}

function shortened(): Temporary {
  return new Temporary('message file has become shorter');
}
