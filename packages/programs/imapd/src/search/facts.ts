// The facts of many messages: what is remembered is at hand, the rest is read, some files at a time.

import type { FolderCache, MessageFacts } from '@q/mail-cache';
import type { FolderMessage } from '@q/mailbox';
import { MESSAGES_A_LOOK, type Progress } from '../progress.ts';
import { FACTS_AT_ONCE } from './limits.ts';

/**
 * Calls `use` for each message with its facts, in order only among those that are remembered; the index is that of `messages`.
 * `use` gives true when it has to be called again as it needed facts that were not there: it is called with them once read.
 * Messages that turn out to be gone are left out.
 */
export async function eachWithFacts(
  cache: FolderCache,
  messages: readonly FolderMessage[],
  progress: Progress,
  use: (index: number, message: FolderMessage, facts: () => MessageFacts | undefined) => boolean,
): Promise<void> {
  let missing: number[] = [];
  let message = messages[0] as FolderMessage;
  const look = () => cache.facts(message);
  for (let index = 0; index < messages.length; index++) {
    message = messages[index] as FolderMessage;
    if (use(index, message, look)) missing.push(index);
    if (missing.length === FACTS_AT_ONCE) {
      await readMissing(cache, messages, missing, use);
      missing = [];
    }
    if (index % MESSAGES_A_LOOK === 0) await progress.at(index, messages.length);
  }
  await readMissing(cache, messages, missing, use);
  progress.stepDone();
}

async function readMissing(
  cache: FolderCache,
  messages: readonly FolderMessage[],
  missing: readonly number[],
  use: (index: number, message: FolderMessage, facts: () => MessageFacts | undefined) => boolean,
): Promise<void> {
  await Promise.all(
    missing.map(async (index) => {
      const message = messages[index] as FolderMessage;
      const facts = await cache.loadFacts(message);
      if (facts !== undefined) use(index, message, () => facts);
    }),
  );
}
