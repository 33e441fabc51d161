// info/S/N: the sender, and by its mtime the birth of the message.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { decodeInfo } from '@q/queue-files';

export interface MessageInfo {
  readonly sender: string;
  /** Seconds since 1970. */
  readonly birth: number;
}

/** Throws the system error, or Temporary for a damaged file. */
export function readInfo(path: string): MessageInfo {
  const fd = openSync(path, 'r');
  try {
    return {
      sender: decodeInfo(readFileSync(fd)),
      birth: Math.floor(fstatSync(fd).mtimeMs / 1000),
    };
  } finally {
    closeSync(fd);
  }
}
