// Does something with a message's file, under whatever name another program has given it since.

import { lstatSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import { pathOf, retryStale } from './files.ts';
import type { Inside } from './inside.ts';
import { NAME_TRIES } from './limits.ts';
import { sizeIn } from './name.ts';
import { lookAgain } from './refresh.ts';
import type { Stored } from './table.ts';

/**
 * `act` is given the file's path. When that says ENOENT the folder is read again, and it is called with the new name.
 * Undefined: the message is gone, and marked so. Throws what `act` throws otherwise.
 */
export async function withFile<Result>(
  folder: Inside,
  message: Stored,
  act: (path: string | Buffer) => Result,
): Promise<Result | undefined> {
  for (let left = NAME_TRIES; !message.gone; left--) {
    try {
      return retryStale(() => act(pathOf(folder.curPath, message.name)));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || left <= 1) throw error;
    }
    await lookAgain(folder);
  }
  return undefined;
}

/** Bytes of a message for the quota: what its name says, else its file. */
export function sizeOf(folder: Inside, message: Stored): number {
  const said = sizeIn(message.base);
  if (said !== undefined) return said;
  try {
    return lstatSync(pathOf(folder.curPath, message.name)).size;
  } catch {
    return 0;
  }
}
