// Where a virtual user's maildir is: USER-DIR / hash levels / name, relative to the base user's home.
//
// The hash is CRC-32 (zlib's) of the name. Each of `slices` levels is its low `bits` bits in lower case hex
// digits, then the hash is shifted by as many. Example: bits 6, slices 1: user "c" is in users/2f/c.

import { crc32 } from 'node:zlib';
import { bytesOf } from '@q/bytes';
import { HASH_BITS_MAX } from './limits.ts';
import type { Settings } from './settings.ts';

/** The directory for a user of that name, in the case it was typed; "." becomes ":". Without leading "./". */
export function userDirectory(name: string, settings: Settings): string {
  const levels = hashLevels(
    name,
    settings.number('user-dir-bits'),
    settings.number('user-dir-slices'),
  );
  return settings.directory('user-dir') + levels + name.replaceAll('.', ':');
}

/** "2f/" for each slice; '' when there is nothing to hash by. */
export function hashLevels(name: string, bits: number, slices: number): string {
  const width = Math.min(bits, HASH_BITS_MAX);
  if (width === 0) return '';
  const digits = Math.ceil(width / 4);
  let hash = crc32(bytesOf(name));
  let levels = '';
  for (let left = Math.min(slices, HASH_BITS_MAX); left > 0; left--) {
    levels += `${(hash % 2 ** width).toString(16).padStart(digits, '0')}/`;
    hash = Math.floor(hash / 2 ** width);
  }
  return levels;
}
