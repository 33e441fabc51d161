// The mailbox that COPY, MOVE, APPEND and REPLACE bring messages to.

import { NameFault, type Place } from '@q/mail-account';
import type { FolderCache } from '@q/mail-cache';
import type { FolderMessage } from '@q/mailbox';
import { CommandRefused } from '../refused.ts';
import type { Opened, Session } from '../session.ts';

/** Opens it for whoever may insert there. Not there: NO [TRYCREATE] (RFC 9051, section 6.3.12). The caller releases it. */
export async function openTarget(session: Session, mailbox: string): Promise<Opened> {
  try {
    return await session.open(await session.account.find(mailbox, 'i'));
  } catch (error) {
    if (!(error instanceof NameFault) || error.code !== 'NONEXISTENT') throw error;
    throw new CommandRefused('NO', error.message, 'TRYCREATE');
  }
}

/** Throws NameFault OVERQUOTA when copies of these do not fit. Sizes are looked up only where there is a quota. */
export async function claimCopies(
  session: Session,
  place: Place,
  cache: FolderCache,
  messages: readonly FolderMessage[],
): Promise<void> {
  if ((await session.account.quota(place)) === undefined) return;
  let bytes = 0;
  for (const message of messages) {
    bytes += (cache.facts(message) ?? (await cache.loadFacts(message)))?.size ?? 0;
    await session.drain();
  }
  await session.account.claim(place, bytes, messages.length);
}
