// Which .qmail files answer for an extension address: dot-qmail(5).
//
// Example, dash "-" and extension "Re.port-x": .qmail-re:port-x, .qmail-re:port-default, .qmail-default.
// Dots become colons and letters lower case, so no extension ever names "..", and "A" and "a" are one.

import { asciiLower } from '@q/bytes';

export interface Candidate {
  /** File name relative to the home directory; latin1 text, so the path must be made of its bytes. */
  readonly name: string;
  /** When this file is used and says "default": DEFAULT is the extension from this index on. */
  readonly defaultFrom?: number;
}

/** The names to try, first one first; the first regular file is the one. */
export function candidateNames(dash: string, extension: string): Candidate[] {
  const safe = safeExtension(extension);
  const exact = base(dash, safe);
  const candidates: Candidate[] = [
    safe.endsWith(DEFAULT)
      ? { name: exact, defaultFrom: safe.length - DEFAULT.length }
      : { name: exact },
  ];
  for (let i = safe.length; i >= 0; i--) {
    if (i > 0 && safe[i - 1] !== '-') continue;
    candidates.push({ name: base(dash, safe.slice(0, i)) + DEFAULT, defaultFrom: i });
  }
  return candidates;
}

export interface OwnerNames {
  /** If this exists, mail goes on with LOCAL-owner@HOST as its sender... */
  readonly owner: string;
  /** ...and if this exists too, with a sender of its own for each recipient: LOCAL-owner-@HOST-@[]. */
  readonly ownerDefault: string;
}

/** The files that tell who gets the bounces of what this address forwards. */
export function ownerNames(dash: string, extension: string): OwnerNames {
  const owner = `${base(dash, safeExtension(extension))}-owner`;
  return { owner, ownerDefault: `${owner}-${DEFAULT}` };
}

function base(dash: string, safe: string): string {
  return `.qmail${dash}${safe}`;
}

function safeExtension(extension: string): string {
  return asciiLower(extension).replaceAll('.', ':');
}

const DEFAULT = 'default';
