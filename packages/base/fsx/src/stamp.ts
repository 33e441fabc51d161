// Whether a file is still what it was when it was read, told by one stat(2).
//
// Two changes within a tick of the file system's clock (some milliseconds) leave the same times: whoever reads a file
// that has just been changed may miss the second one, unless its size or its inode number tells.

import { type BigIntStats, statSync } from 'node:fs';
import type { Path } from './fd.ts';

/** What differs when the file was written to, changed owner or mode, or another has taken its place. */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** The stamp of the file that `path` leads to; undefined when there is none. Throws other system errors. */
export function stampAt(path: Path): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && stampOf(stats);
}

/** The stamps of all these files together: another text when one of them came, went or changed. Throws as stampAt(). */
export function stampsAt(paths: readonly string[]): string {
  return paths.map((path) => `${path} ${stampAt(path) ?? ''}`).join('\n');
}
