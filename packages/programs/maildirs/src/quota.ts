// The quota file of a Maildir++, `maildirsize` in the maildir itself:
//
//   file   = quota LF *( total LF )
//   quota  = item [ "," item ]            item = 1*DIGIT ( "S" bytes / "C" messages )
//   total  = bytes SP messages            each line 14 bytes with its LF, so that appended lines stay whole;
//                                         the sum of all lines counts, and a line may be negative
//
// Example:  10000000S,1000C
//                4096      2
//
// Trash, and messages marked T in any folder, do not count.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Permanent } from '@q/fault';
import { writeFileAtomic } from '@q/fsx';
import { isMaildir, scanMaildir, statEntry } from '@q/maildir';

/** A quota text in its canonical form. Throws Permanent if it is none. */
export function parseQuota(text: string): string {
  const items = text.split(',');
  const kinds = items.map((item) => /^[0-9]{1,15}([SC])$/.exec(item)?.[1]);
  if (kinds.includes(undefined) || new Set(kinds).size < kinds.length)
    throw new Permanent(`not a quota (such as 10000000S,1000C): ${text}`);
  return text;
}

/** Writes the quota of `maildir`, with what is in it now as the first total. Throws a fault. */
export async function writeQuota(maildir: string, quota: string): Promise<void> {
  if (!(await isMaildir(maildir))) throw new Permanent(`${maildir} is not a maildir`);
  let bytes = 0;
  let messages = 0;
  for (const folder of await countedFolders(maildir)) {
    for (const entry of await scanMaildir(folder)) {
      if (entry.flags.includes('T')) continue;
      const size = entry.size ?? (await statEntry(folder, entry))?.size;
      if (size === undefined) continue;
      bytes += size;
      messages++;
    }
  }
  const text = `${quota}\n${`${bytes} ${messages}`.padStart(13)}\n`;
  await writeFileAtomic(join(maildir, 'maildirsize'), Buffer.from(text), { mode: 0o644 });
}

async function countedFolders(maildir: string): Promise<string[]> {
  const folders = [maildir];
  for (const entry of await readdir(maildir, { withFileTypes: true })) {
    const { name } = entry;
    if (!name.startsWith('.') || !entry.isDirectory() || name === '.Trash') continue;
    if (await isMaildir(join(maildir, name))) folders.push(join(maildir, name));
  }
  return folders;
}
