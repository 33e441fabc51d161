// Searches that are kept up to date: RETURN (UPDATE) and CANCELUPDATE (RFC 5267, section 4.3). The client hears which messages
// join and leave the result: ADDTO after the EXISTS or FETCH that is the reason, REMOVEFROM before EXPUNGE. Positions are 0: the
// result is in mailbox order.

import { type SearchKey, wireString } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import { Disconnected, Timeout } from '@q/session';
import { Progress } from '../progress.ts';
import { CommandRefused } from '../refused.ts';
import { ok } from '../reply.ts';
import type { Reply, Session } from '../session.ts';
import type { Told, View } from '../view.ts';
import { COMPARED_AT_ONCE, CONTEXTS_MAX } from './limits.ts';
import { correlator, setText } from './search-response.ts';
import { matchesNow, runPlan } from './search-run.ts';
import { mentions, type Searching } from './searching.ts';

/**
 * Keeps the search that was answered up to date, until CANCELUPDATE or the mailbox is left. Tells NO [NOUPDATE] when that cannot
 * be: there are too many, or time itself changes the result (OLDER, YOUNGER), which nobody would see.
 */
export function keepUpToDate(searching: Searching, key: SearchKey): void {
  const { session, view, tag } = searching;
  let contexts = CONTEXTS.get(view);
  if ((contexts?.count ?? 0) >= CONTEXTS_MAX || mentions(key, ['older', 'younger'])) {
    refuseUpdates(session, tag);
    return;
  }
  if (contexts === undefined) {
    contexts = new Contexts(session, view);
    CONTEXTS.set(view, contexts);
  }
  contexts.add(searching);
}

export function refuseUpdates(session: Session, tag: string): void {
  session.untagged(`NO [NOUPDATE ${tagText(tag)}] Result is not kept up to date`);
}

/** Throws BAD when a search of this tag is kept up to date already: the client could not tell them apart. */
export function refuseTagReuse({ view }: Session, tag: string): void {
  if (view !== undefined && CONTEXTS.get(view)?.has(tag) === true)
    throw new CommandRefused('BAD', 'Tag is in use for updates');
}

/** CANCELUPDATE. Tags that are not kept up to date, perhaps any more, are no error. */
export async function cancelUpdate(
  { view }: Session,
  { tags }: { readonly tags: readonly string[] },
): Promise<Reply> {
  if (view !== undefined) for (const tag of tags) CONTEXTS.get(view)?.cancel(tag);
  return ok('No further updates');
}

/** They live and end with the view, whose business they are not. */
const CONTEXTS = new WeakMap<View, Contexts>();

interface Context extends Pick<Searching, 'tag' | 'byUid' | 'naming' | 'plan'> {
  /** What the client believes the result to be. */
  readonly result: Set<FolderMessage>;
  /** Messages that are to be looked at when there is time; later changes wait behind earlier ones. */
  waiting: Set<FolderMessage>;
}

class Contexts {
  readonly #session: Session;
  readonly #view: View;
  readonly #byTag = new Map<string, Context>();

  constructor(session: Session, view: View) {
    this.#session = session;
    this.#view = view;
    view.onTold((told) => this.#heard(told));
  }

  get count(): number {
    return this.#byTag.size;
  }

  has(tag: string): boolean {
    return this.#byTag.has(tag);
  }

  add({ tag, byUid, naming, plan, found }: Searching): void {
    const context = { tag, byUid, naming, plan, result: new Set(found), waiting: new Set<never>() };
    this.#byTag.set(tag, context);
  }

  cancel(tag: string): void {
    this.#byTag.delete(tag);
  }

  #heard({ arrived, changed, expunged }: Told): void {
    for (const context of this.#byTag.values()) {
      if (expunged.length > 0) {
        const none = new Set<FolderMessage>();
        this.#tell(context, expunged, none);
        for (const message of expunged) context.waiting.delete(message);
      }
      const messages = [...arrived, ...changed];
      if (messages.length > 0) this.#compare(context, messages);
    }
  }

  /** At once when flags and what is remembered decide it, and for few; else as soon as the session has time for it. */
  #compare(context: Context, messages: readonly FolderMessage[]): void {
    const matching = new Set<FolderMessage>();
    let isKnown = context.waiting.size === 0 && messages.length <= COMPARED_AT_ONCE;
    for (const message of messages) {
      const matches = isKnown
        ? matchesNow(context.plan, message, this.#view.opened.cache)
        : undefined;
      if (matches === undefined) isKnown = false;
      else if (matches) matching.add(message);
    }
    if (isKnown) {
      this.#tell(context, messages, matching);
      return;
    }
    const isAsked = context.waiting.size > 0;
    for (const message of messages) context.waiting.add(message);
    if (!isAsked) this.#session.soon(() => this.#lookAtWaiting(context));
  }

  async #lookAtWaiting(context: Context): Promise<void> {
    while (context.waiting.size > 0) {
      const messages = [...context.waiting];
      if (!this.#isAlive(context)) return;
      const progress = new Progress(this.#session, undefined, 0, 1);
      const { cache } = this.#view.opened;
      try {
        const matching = new Set(await runPlan(context.plan, messages, cache, progress));
        if (!this.#isAlive(context)) return;
        for (const message of messages) context.waiting.delete(message);
        this.#tell(context, messages, matching);
      } catch (error) {
        if (error instanceof Timeout || error instanceof Disconnected) throw error;
        this.#session.log(`search ${context.tag} is no longer kept up to date: ${String(error)}`);
        this.#byTag.delete(context.tag);
        refuseUpdates(this.#session, context.tag);
        return;
      }
    }
  }

  #isAlive(context: Context): boolean {
    return this.#session.view === this.#view && this.#byTag.get(context.tag) === context;
  }

  /** Of `messages`, those in `matching` belong to the result and the others do not: tells what the client does not know. */
  #tell(
    context: Context,
    messages: readonly FolderMessage[],
    matching: ReadonlySet<FolderMessage>,
  ): void {
    const { result } = context;
    const ordered = messages
      .filter((message) => this.#view.numberOf(message) > 0)
      .sort((a, b) => a.uid - b.uid);
    const joining = ordered.filter((message) => matching.has(message) && !result.has(message));
    const leaving = ordered.filter((message) => !matching.has(message) && result.has(message));
    for (const message of joining) result.add(message);
    for (const message of leaving) result.delete(message);
    const words = [correlator(context)];
    if (leaving.length > 0) words.push(`REMOVEFROM (0 ${setText(leaving, context.naming)})`);
    if (joining.length > 0) words.push(`ADDTO (0 ${setText(joining, context.naming)})`);
    if (words.length > 1) this.#session.write(`${words.join(' ')}\r\n`);
  }
}

function tagText(tag: string): string {
  return wireString(tag, { utf8: false });
}
