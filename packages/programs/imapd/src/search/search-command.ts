// SEARCH and SORT with their UID forms (RFC 9051, section 6.4.4; RFC 3501; RFC 4731; RFC 5182; RFC 5256; RFC 5267; RFC 5957;
// RFC 9394).

import type { CommandName, ReturnOptions, SearchArguments, SortCriterion } from '@q/imap';
import { enableCondstore } from '../condstore.ts';
import { CommandRefused } from '../refused.ts';
import { ok } from '../reply.ts';
import type { Reply, Session } from '../session.ts';
import { keepUpToDate, refuseTagReuse, refuseUpdates } from './context.ts';
import { type Found, returned } from './result-selection.ts';
import { saveResult, savingResult } from './saved-result.ts';
import { extendedResponse, plainResponse } from './search-response.ts';
import { mentions, type Searching, startSearch } from './searching.ts';
import { sorted } from './sort.ts';
import { writeLong } from './write-long.ts';

export function search(
  session: Session,
  given: SearchArguments,
  tag: string,
  name: CommandName,
): Promise<Reply> {
  // RFC 6855, section 3, though IMAP4rev2 has it again.
  const { enabled } = session;
  if (given.charset !== undefined && enabled.has('UTF8=ACCEPT') && !enabled.has('IMAP4REV2'))
    throw new CommandRefused('BAD', 'No CHARSET after ENABLE UTF8=ACCEPT');
  // IMAP4rev2 has no other answer than ESEARCH.
  const options = given.options ?? (enabled.has('IMAP4REV2') ? RETURN_ALL : undefined);
  return answered(session, { ...given, options }, tag, name, {
    name: 'SEARCH',
    furtherSteps: 0,
    arrange: async ({ found }) => found,
    update: (searching) => keepUpToDate(searching, given.key),
  });
}

export function sort(
  session: Session,
  given: SearchArguments & { readonly criteria: readonly SortCriterion[] },
  tag: string,
  name: CommandName,
): Promise<Reply> {
  return answered(session, given, tag, name, {
    name: 'SORT',
    furtherSteps: 1,
    arrange: ({ found, view, progress }) =>
      sorted(found, given.criteria, view.opened.cache, progress),
    // CONTEXT=SORT is not offered: with each change the places of all messages behind it move.
    update: () => refuseUpdates(session, tag),
  });
}

const RETURN_ALL: ReturnOptions = { what: ['ALL'], partial: undefined };

/** What SORT does otherwise than SEARCH. */
interface Form {
  readonly name: 'SEARCH' | 'SORT';
  readonly furtherSteps: number;
  arrange(searching: Searching): Promise<Found>;
  /** RETURN (UPDATE) was given. */
  update(searching: Searching): void;
}

function answered(
  session: Session,
  given: SearchArguments,
  tag: string,
  name: CommandName,
  form: Form,
): Promise<Reply> {
  const { options, key } = given;
  const saves = options?.what.includes('SAVE') === true;
  return savingResult(session, saves, async () => {
    const updates = options?.what.includes('UPDATE') === true;
    if (updates) refuseTagReuse(session, tag);
    const searching = await startSearch(session, given, tag, name, form.furtherSteps);
    const found = await form.arrange(searching);
    const tellsModseq = mentions(key, ['modseq']);
    if (tellsModseq) enableCondstore(session);
    const context = { ...searching, tellsModseq };
    const response =
      options === undefined
        ? plainResponse(form.name, found, context)
        : extendedResponse(found, options, context);
    if (saves && options !== undefined) saveResult(session, returned(found, options));
    if (response !== undefined) await writeLong(session, response);
    if (updates) form.update(searching);
    return ok(`${form.name} completed${saves ? ', result saved' : ''}`);
  });
}
