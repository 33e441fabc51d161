// Paths inside a maildir, as bytes: names may hold anything but NUL and "/".

import type { Path } from '@q/fsx';

/** `maildir`/`names`... A string maildir is UTF-8, as everywhere in Node; names are latin1 text. */
export function inside(maildir: Path, ...names: string[]): Buffer {
  const tail = Buffer.from(names.map((name) => `/${name}`).join(''), 'latin1');
  return Buffer.concat([Buffer.from(maildir as string), tail]);
}
