// What THREAD compares of each message, as numbers: equal subjects and equal message ids have one. Making them takes several
// times as long as threading, and clients thread a mailbox again whenever mail came: so they are kept, for a while.

import { bytesOf, textOf } from '@q/bytes';
import type { FolderCache, MessageFacts } from '@q/mail-cache';
import type { FolderMessage } from '@q/mailbox';
import { baseSubject, casemap, messageIds } from '@q/mime';
import { THREAD_KEYS_KEPT_MS, THREAD_KEYS_MAX } from './limits.ts';
import { sentTime } from './sort-key.ts';

export interface ThreadKey {
  /** The base subject as it is compared; NO_SUBJECT: it is empty. */
  readonly subject: number;
  /** It is a reply or forwarded, by its subject. */
  readonly isReply: boolean;
  /** Its message id; -1: it has none. */
  readonly id: number;
  /** Ids of its ancestors, the parent last. */
  readonly references: readonly number[];
  /** Sent date in milliseconds. */
  readonly sent: number;
}

export const NO_SUBJECT = 0;

export class ThreadKeys {
  readonly #subjects = new Map<string, number>([['', NO_SUBJECT]]);
  readonly #ids = new Map<string, number>();
  readonly #keys = new Map<FolderMessage, ThreadKey>();

  /** How many different subjects there are; they are numbered from 0. */
  get subjectCount(): number {
    return this.#subjects.size;
  }

  /** How many different ids. */
  get idCount(): number {
    return this.#ids.size;
  }

  get size(): number {
    return this.#keys.size;
  }

  get(message: FolderMessage): ThreadKey | undefined {
    return this.#keys.get(message);
  }

  add(message: FolderMessage, facts: MessageFacts): ThreadKey {
    const { text, isReply } = baseSubject(facts.envelope.subject ?? '');
    const [id] = messageIds(facts.envelope.messageId ?? '');
    const key = {
      subject: numberIn(this.#subjects, casemap(text)),
      isReply,
      id: id === undefined ? -1 : numberIn(this.#ids, id),
      references: facts.references.map((each) => numberIn(this.#ids, each)),
      sent: sentTime(facts),
    };
    this.#keys.set(message, key);
    return key;
  }
}

function numberIn(numbers: Map<string, number>, text: string): number {
  const known = numbers.get(text);
  if (known !== undefined) return known;
  numbers.set(ownCopy(text), numbers.size);
  return numbers.size - 1;
}

/** A part of a larger string would keep all of that. UTF-16 units beyond latin1 are only in texts that were decoded, which are whole. */
function ownCopy(text: string): string {
  return /^[\0-\xff]*$/.test(text) ? textOf(bytesOf(text)) : text;
}

interface Kept {
  readonly keys: ThreadKeys;
  readonly timer: NodeJS.Timeout;
}

const KEPT = new WeakMap<FolderCache, Kept>();

/** Those of a folder as far as they are there; the cache is its identity. */
export function threadKeys(cache: FolderCache): ThreadKeys {
  return KEPT.get(cache)?.keys ?? new ThreadKeys();
}

/** For the next time, unless they are many. */
export function keepThreadKeys(cache: FolderCache, keys: ThreadKeys): void {
  const kept = KEPT.get(cache);
  if (kept?.keys === keys && keys.size <= THREAD_KEYS_MAX) {
    kept.timer.refresh();
    return;
  }
  clearTimeout(kept?.timer);
  KEPT.delete(cache);
  if (keys.size > THREAD_KEYS_MAX) return;
  // The timer must not keep the cache of a folder that was let go.
  const whose = new WeakRef(cache);
  const forget = () => {
    const folder = whose.deref();
    if (folder !== undefined) KEPT.delete(folder);
  };
  KEPT.set(cache, { keys, timer: setTimeout(forget, THREAD_KEYS_KEPT_MS).unref() });
}
