// What SEARCH, SORT and THREAD have in common: the messages that match, and how they are named in the answer.

import type { CommandName, SearchKey } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import { Progress } from '../progress.ts';
import { CommandRefused } from '../refused.ts';
import type { Session } from '../session.ts';
import type { View } from '../view.ts';
import { type SearchPlan, searchPlan, stepsOf } from './search-plan.ts';
import type { Naming } from './search-response.ts';
import { runPlan } from './search-run.ts';
import { textDecoder } from './search-text.ts';

export interface Searching {
  readonly session: Session;
  readonly view: View;
  readonly tag: string;
  readonly byUid: boolean;
  readonly naming: Naming;
  readonly plan: SearchPlan;
  readonly progress: Progress;
  /** Ascending. */
  readonly found: readonly FolderMessage[];
}

export interface SearchTerms {
  /** Undefined: the session's own. */
  readonly charset: string | undefined;
  readonly key: SearchKey;
}

/**
 * Runs a search. `furtherSteps`: passes over the messages that the command takes when it is found. Throws NO for charsets and
 * limits, BAD for sets and strings that are none.
 */
export async function startSearch(
  session: Session,
  { charset, key }: SearchTerms,
  tag: string,
  name: CommandName,
  furtherSteps: number,
): Promise<Searching> {
  const { view } = session;
  if (view === undefined) throw new CommandRefused('BAD', 'No mailbox is selected');
  const byUid = name.startsWith('UID ');
  // RFC 9586: the answer would be in message numbers.
  if (!byUid && session.enabled.has('UIDONLY'))
    throw new CommandRefused('BAD', 'Message numbers are turned off', 'UIDREQUIRED');
  const plan = searchPlan(key, textDecoder(charset ?? (session.utf8 ? 'utf-8' : 'us-ascii')), {
    session,
    view,
    now: Date.now(),
  });
  const { messages } = view;
  const progress = new Progress(session, tag, messages.length, stepsOf(plan) + furtherSteps);
  const naming: Naming = byUid ? ({ uid }) => uid : (message) => view.numberOf(message);
  const found = await runPlan(plan, messages, view.opened.cache, progress);
  return { session, view, tag, byUid, naming, plan, progress, found };
}

/** Whether a key of this kind is anywhere in the search. */
export function mentions(key: SearchKey, kinds: readonly SearchKey['kind'][]): boolean {
  const left = [key];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (kinds.includes(one.kind)) return true;
    if (one.kind === 'and' || one.kind === 'or') left.push(...one.keys);
    else if (one.kind === 'not' || one.kind === 'fuzzy') left.push(one.key);
  }
  return false;
}
