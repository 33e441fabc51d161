// A mailbox's name as a line of a file: as clients of Courier call it, in UTF-8, as Courier 5 writes it. Older ones wrote
// modified UTF-7; what reads as that is taken for it.
//
//     INBOX.Arch.Tést       INBOX.Arch.T&AOk-st

import { decodeModifiedUtf7, encodeModifiedUtf7 } from '@q/bytes';
import { keyOf, Naming, type SpacePath } from './namespace.ts';

const courier = new Naming('courier');

/** UTF-8 text; in modified UTF-7 where UTF-8 would read as another. Undefined for what has no name there. */
export function mailboxLine(place: SpacePath): string | undefined {
  const name = courier.format(place);
  if (name === undefined) return undefined;
  return keyOf(placeOfLine(name)) === keyOf(place) ? name : encodeModifiedUtf7(name);
}

/** Undefined for a line that is no mailbox's. */
export function placeOfLine(line: string): SpacePath | undefined {
  try {
    return courier.parse(decodeModifiedUtf7(line) ?? line);
  } catch {
    return undefined;
  }
}
