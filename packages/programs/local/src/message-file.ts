// The message on fd 0. Every step of a delivery reads it from the start, by position, so that no step
// depends on what another left of the shared offset; only programs get it rewound.

import { errnoText, Temporary } from '@q/fault';
import { fstatFd, readChunks, rewindFd } from '@q/fsx';

/** Reading the message failed: told apart from failing to write the copy. */
export class MessageReadError extends Temporary {}

/** A message that can be read any number of times. */
export interface MessageFile {
  readonly fd: number;
  /** All bytes from the start; a chunk holds until the next is asked for. Throws MessageReadError. */
  chunks(): AsyncGenerator<Buffer, void, undefined>;
  /** Puts the descriptor's own offset to the start, for a child that reads it. Throws Temporary. */
  rewind(): void;
}

/** Takes a descriptor that must be a file: a pipe could be read only once. */
export async function openMessage(fd: number): Promise<MessageFile> {
  const seekable = await fstatFd(fd).then(
    (stats) => stats.isFile(),
    () => false,
  );
  if (!seekable) throw cannotRewind();
  return {
    fd,
    chunks: () => chunksOf(fd),
    rewind: () => {
      try {
        rewindFd(fd);
      } catch (cause) {
        throw cannotRewind(cause);
      }
    },
  };
}

async function* chunksOf(fd: number): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* readChunks(fd, 0);
  } catch (cause) {
    const text = `Unable to read message: ${errnoText(cause)}. (#4.3.0)`;
    throw new MessageReadError(text, { cause });
  }
}

function cannotRewind(cause?: unknown): Temporary {
  return new Temporary('Unable to rewind message. (#4.3.0)', { cause });
}
