// A folder's place among the folders of a Maildir++, and the directory that holds it.
//
//     ["Arch", "Tést"]   .Arch.Tést           in UTF-8, as Courier 5 writes it
//                        .Arch.T&AOk-st       in modified UTF-7, as Courier 4 and Dovecot did
//     []                 the Maildir itself: INBOX
//
// One folder has one name and one name leads to one directory. What could have two is decided so:
//
//   * Names are Unicode in NFC: another form of the same text is the same folder.
//   * A directory whose name is modified UTF-7 of something is that folder, and stays as it is named. When the folder also
//     has a directory in UTF-8 this is the one, and the other shows under the letters it is written in, as in Courier 5.
//   * A name that reads as modified UTF-7 of another is not given to new folders.
//   * Directories with names that no folder may have are no folders.

import { decodeModifiedUtf7, encodeModifiedUtf7 } from '@q/bytes';
import { DIRECTORY_MAX } from './limits.ts';
import { NameFault } from './name-fault.ts';

/** Names of the levels below INBOX, in NFC, none of them empty; [] is INBOX. */
export type FolderPath = readonly string[];

/** What no name may hold: controls, line ends of Unicode, halves of characters, and what stands for bytes that are no text. */
const FORBIDDEN = /[\0-\x1f\x7f-\x9f\u2028\u2029\ufffd/]|\p{Surrogate}/u;

/**
 * The levels of a name whose prefix is off; `separator` is one character. Throws NameFault CANNOT for a name that no
 * folder can have, LIMIT for one too long.
 */
export function parsePath(name: string, separator: string): FolderPath {
  const levels = name.normalize('NFC').split(separator);
  for (const level of levels) {
    if (level === '') throw new NameFault('CANNOT', 'Empty level in mailbox name');
    if (level.includes('.') || FORBIDDEN.test(level))
      throw new NameFault('CANNOT', 'Character not allowed in mailbox name');
  }
  if (Buffer.byteLength(levels.join('.')) >= DIRECTORY_MAX)
    throw new NameFault('LIMIT', 'Mailbox name too long');
  return levels;
}

/** Throws NameFault CANNOT for names that are not given to new folders, though one that has it may be used. */
export function checkNewPath(path: FolderPath): void {
  // LIST could not ask for such a folder alone: RFC 9051, section 5.1.
  if (path.some((level) => /[*%]/.test(level)))
    throw new NameFault('CANNOT', 'Wildcard in mailbox name');
  if (pathOfDirectory(directoryOf(path)).join('.') !== path.join('.'))
    throw new NameFault('CANNOT', 'Mailbox name could be read as another');
}

/** The directory's name for a new folder; '' for INBOX. */
export function directoryOf(path: FolderPath): string {
  return path.map((level) => `.${level}`).join('');
}

/** The name that an older program gave to the directory; undefined when that is the same. */
export function oldDirectoryOf(path: FolderPath): string | undefined {
  const directory = directoryOf(path);
  const old = encodeModifiedUtf7(directory);
  return old === directory ? undefined : old;
}

/** A directory that no other folder can have, for a folder that has none. */
export function unusedDirectoryOf(path: FolderPath): string {
  const usual = directoryOf(path);
  const isOwn = pathOfDirectory(usual).join('.') === path.join('.');
  return isOwn ? usual : (oldDirectoryOf(path) ?? usual);
}

/** The path that the letters of a directory's name say; [] when they are no folder's. Begins with ".". */
export function literalPath(directory: string): FolderPath {
  try {
    return parsePath(directory.slice(1), '.');
  } catch {
    return [];
  }
}

/** The path of a directory when no other has a better right to it; [] when it is no folder's. */
export function pathOfDirectory(directory: string): FolderPath {
  if (!directory.includes('&')) return literalPath(directory);
  const decoded = decodeModifiedUtf7(directory);
  const path = decoded === undefined ? [] : literalPath(decoded);
  return path.length > 0 ? path : literalPath(directory);
}
