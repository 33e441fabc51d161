// The result that "$" stands for (RFC 5182).

import type { NumberRange } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import { CommandRefused } from '../refused.ts';
import type { Reply, Session } from '../session.ts';
import { SAVED_RANGES_MAX } from './limits.ts';

/** Makes the messages the result that "$" stands for. Throws NO [NOTSAVED] when they are too many to keep. */
export function saveResult(session: Session, messages: readonly FolderMessage[]): void {
  const ranges: [first: number, last: number][] = [];
  const uids = messages.map(({ uid }) => uid).sort((a, b) => a - b);
  for (const uid of uids) {
    const before = ranges[ranges.length - 1];
    if (before !== undefined && uid === before[1] + 1) before[1] = uid;
    else ranges.push([uid, uid]);
  }
  if (ranges.length > SAVED_RANGES_MAX)
    throw new CommandRefused('NO', 'Result is too large to be saved', 'NOTSAVED');
  session.savedResult = ranges satisfies NumberRange[];
}

/**
 * Runs a command that saves its result: when it ends with NO, whatever for, "$" is empty (section 2.1). BAD, and commands that
 * do not save, leave it.
 */
export async function savingResult(
  session: Session,
  saves: boolean,
  run: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await run();
  } catch (error) {
    const isBad = error instanceof CommandRefused && error.status === 'BAD';
    if (saves && !isBad) session.savedResult = [];
    throw error;
  }
}
