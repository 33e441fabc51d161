// The small files that an account keeps in its Maildir. Other programs and, through a shared Maildir, other people may
// write there: nothing is waited for, no link is followed, and no more is read than such a file may have.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf, faultOf, Temporary } from '@q/fault';

/** What is not there, or is no file: absent. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'];

/**
 * The text, latin1; undefined when there is no such file. Throws Temporary for one longer than `max` bytes, else faults.
 * `follow`: a link is the administrator's, and may be followed.
 */
export function readSmallFile(path: string, max: number, follow = false): string | undefined {
  const link = follow ? 0 : constants.O_NOFOLLOW;
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | link);
  } catch (error) {
    if (ABSENT.includes(errnoOf(error) ?? '')) return undefined;
    throw faultOf(error, `unable to open ${path}`);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return undefined;
    if (stats.size > max) throw new Temporary(`${path} is too long`);
    const bytes = Buffer.alloc(stats.size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(fd, bytes, length, bytes.length - length, length);
      if (read === 0) break;
      length += read;
    }
    return bytes.toString('latin1', 0, length);
  } catch (error) {
    throw faultOf(error, `unable to read ${path}`);
  } finally {
    closeSync(fd);
  }
}

/** The same, as UTF-8. */
export function readText(path: string, max: number, follow = false): string | undefined {
  const text = readSmallFile(path, max, follow);
  return text && Buffer.from(text, 'latin1').toString('utf8');
}

/** Lines without their ends; what follows the last one is a line too, unless it is empty. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
