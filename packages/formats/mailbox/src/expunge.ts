// Messages are removed for good: their files, then the names are durable, then they are known to be gone.

import { unlinkSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import { fsyncDir } from '@q/fsx';
import { pathOf } from './files.ts';
import { sizeOf } from './find-file.ts';
import type { Inside } from './inside.ts';
import { NAME_TRIES } from './limits.ts';
import { QuotaChange } from './quota-change.ts';
import { lookAgain } from './refresh.ts';
import type { Stored } from './table.ts';
import { Turns } from './turn.ts';

/**
 * Gives those that are gone now. To be run alone. Throws faults; those that were removed until then are noted.
 */
export async function expunge(
  folder: Inside,
  messages: readonly Stored[],
): Promise<readonly Stored[]> {
  let left = messages.filter(({ gone }) => !gone);
  for (let tries = NAME_TRIES; left.length > 0 && tries > 0; tries--) {
    const missed = await unlinkThem(folder, left);
    if (missed.length === 0) break;
    // Other programs renamed or removed them meanwhile.
    await lookAgain(folder);
    left = missed.filter(({ gone }) => !gone);
  }
  return messages.filter(({ gone }) => gone);
}

/** Gives those whose files were not where they should be. */
async function unlinkThem(folder: Inside, messages: readonly Stored[]): Promise<Stored[]> {
  const quota = new QuotaChange(folder);
  const turns = new Turns();
  const missed: Stored[] = [];
  const removed: Stored[] = [];
  try {
    await folder.changingCur(async () => {
      for (const message of messages) {
        const bytes = quota.counts ? sizeOf(folder, message) : 0;
        try {
          unlinkSync(pathOf(folder.curPath, message.name));
          quota.removed(bytes, message.flags);
          removed.push(message);
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT') throw error;
          missed.push(message);
        }
        if (turns.over) await turns.pause();
      }
      if (removed.length > 0) await fsyncDir(folder.curPath);
    });
  } finally {
    quota.record();
    folder.note([], removed);
  }
  return missed;
}
