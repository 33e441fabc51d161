// Name service for a process that stays: answers are kept for seconds, and who asks what is being asked
// shares the answer.

import { NAMES_KEPT, NAMES_KEPT_SECONDS, NAMES_MISSED_SECONDS } from './limits.ts';
import { type Answer, type NameService, type Names, openNameService } from './names.ts';

interface Kept {
  readonly answer: Promise<Answer<unknown>>;
  /** In seconds of the clock; infinite while the question is open. */
  until: number;
}

/** `open` is called again after NAMES_KEPT_SECONDS: the host's name servers may have become others. */
export function keptNames(
  open: () => NameService = openNameService,
  now: () => number = () => performance.now() / 1000,
): Names {
  let service = open();
  let opened = now();
  const kept = new Map<string, Kept>();

  const current = () => {
    if (now() - opened >= NAMES_KEPT_SECONDS) {
      service = open();
      opened = now();
    }
    return service;
  };
  const ask =
    <T>(method: string, question: (name: string) => Promise<Answer<T>>) =>
    async (name: string): Promise<readonly T[]> => {
      const key = `${method} ${name}`;
      const known = kept.get(key);
      if (known !== undefined && now() < known.until)
        return (await (known.answer as Promise<Answer<T>>)).values;
      const entry: Kept = { answer: question(name), until: Number.POSITIVE_INFINITY };
      remember(kept, key, entry);
      try {
        const { values, seconds } = await (entry.answer as Promise<Answer<T>>);
        entry.until = now() + Math.min(seconds, NAMES_KEPT_SECONDS);
        return values;
      } catch (error) {
        entry.until = now() + NAMES_MISSED_SECONDS;
        throw error;
      }
    };
  return {
    exchangersOf: ask('mx', (name) => current().exchangersOf(name)),
    addressesOf: ask('a', (name) => current().addressesOf(name)),
    relayAddressesOf: ask('relay', (name) => current().relayAddressesOf(name)),
  };
}

/** The oldest make room. */
function remember(kept: Map<string, Kept>, key: string, entry: Kept): void {
  kept.delete(key);
  kept.set(key, entry);
  for (const oldest of kept.keys()) {
    if (kept.size <= NAMES_KEPT) return;
    kept.delete(oldest);
  }
}
