// Runs a plan: which of the messages match.

import type { FolderCache, MessageFacts } from '@q/mail-cache';
import type { FolderMessage } from '@q/mailbox';
import { MESSAGES_A_LOOK, type Progress } from '../progress.ts';
import { eachWithFacts } from './facts.ts';
import type { SearchPlan } from './search-plan.ts';

/** Those of `messages` that match and are still there, in their order. Throws what the cache and the connection throw. */
export async function runPlan(
  plan: SearchPlan,
  messages: readonly FolderMessage[],
  cache: FolderCache,
  progress: Progress,
): Promise<readonly FolderMessage[]> {
  const there = messages.filter((message) => !message.gone);
  const found = await new Run(cache, progress).narrow(plan, there);
  // A message may be found to be gone while its file is looked for.
  return found.filter((message) => !message.gone);
}

/** Whether one message matches, without waiting; undefined when that depends on what is not at hand. */
export function matchesNow(
  plan: SearchPlan,
  message: FolderMessage,
  cache: FolderCache,
): boolean | undefined {
  if (plan.kind !== 'test') return undefined;
  let missing = false;
  const matches = plan.test(message, () => {
    const facts = cache.facts(message);
    missing ||= facts === undefined;
    return facts;
  });
  return missing ? undefined : matches;
}

class Run {
  readonly #cache: FolderCache;
  readonly #progress: Progress;

  constructor(cache: FolderCache, progress: Progress) {
    this.#cache = cache;
    this.#progress = progress;
  }

  /** Recursion is as deep as the plan. */
  async narrow(
    plan: SearchPlan,
    messages: readonly FolderMessage[],
  ): Promise<readonly FolderMessage[]> {
    if (messages.length === 0) return messages;
    switch (plan.kind) {
      case 'test':
        return await this.#tested(plan, messages);
      case 'text': {
        const tell = (done: number) => this.#progress.tell(done, messages.length);
        const found = await this.#cache.search(messages, plan.scope, plan.value, tell);
        this.#progress.stepDone();
        return await this.#kept(messages, (message) => found.has(message));
      }
      case 'every': {
        let left = messages;
        for (const part of plan.parts) left = await this.narrow(part, left);
        return left;
      }
      case 'some':
        return await this.#some(plan.parts, messages);
      case 'not': {
        const found = new Set(await this.narrow(plan.part, messages));
        return await this.#kept(messages, (message) => !found.has(message));
      }
    }
  }

  async #some(
    parts: readonly SearchPlan[],
    messages: readonly FolderMessage[],
  ): Promise<readonly FolderMessage[]> {
    const found = new Set<FolderMessage>();
    let left = messages;
    for (const part of parts) {
      for (const message of await this.narrow(part, left)) found.add(message);
      left = await this.#kept(left, (message) => !found.has(message));
    }
    return await this.#kept(messages, (message) => found.has(message));
  }

  async #tested(
    { needsFacts, test }: Extract<SearchPlan, { readonly kind: 'test' }>,
    messages: readonly FolderMessage[],
  ): Promise<readonly FolderMessage[]> {
    if (!needsFacts) {
      const found = await this.#kept(messages, (message) => test(message, NO_FACTS));
      this.#progress.stepDone();
      return found;
    }
    const matches = new Uint8Array(messages.length);
    await eachWithFacts(this.#cache, messages, this.#progress, (index, message, facts) => {
      let missing = false;
      const look = () => {
        const known = facts();
        missing ||= known === undefined;
        return known;
      };
      if (test(message, look) && !missing) matches[index] = 1;
      return missing;
    });
    return messages.filter((_, index) => matches[index] === 1);
  }

  /** As Array.filter, with turns for others. */
  async #kept(
    messages: readonly FolderMessage[],
    keep: (message: FolderMessage) => boolean,
  ): Promise<readonly FolderMessage[]> {
    const kept: FolderMessage[] = [];
    for (const [index, message] of messages.entries()) {
      if (keep(message)) kept.push(message);
      if (index % (8 * MESSAGES_A_LOOK) === 0) await this.#progress.at(index, messages.length);
    }
    return kept;
  }
}

const NO_FACTS = (): MessageFacts | undefined => undefined;
