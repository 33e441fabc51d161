// LSUB (RFC 3501, section 6.3.9): subscribed names, whether there is such a mailbox or not.

import { ok } from '../reply.ts';
import type { CommandRow, Session } from '../session.ts';
import { LIST_BATCH } from './limits.ts';
import { type ListLine, tellList } from './list-line.ts';
import { matcherOf, namesAbove, separatorFor } from './names.ts';

interface LsubArguments {
  readonly reference: string;
  readonly pattern: string;
}

export const lsubRow: CommandRow<LsubArguments> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, given) {
    const lines = await subscribedLines(session, given);
    for (const [index, line] of lines.entries()) {
      tellList(session, line, 'LSUB');
      if (index % LIST_BATCH === 0) await session.drain();
    }
    return ok('LSUB completed');
  },
};

/** A name that does not match is told by the level above it that does: with \Noselect, which here only says "below this". */
async function subscribedLines(
  session: Session,
  { reference, pattern }: LsubArguments,
): Promise<readonly ListLine[]> {
  const matcher = matcherOf(session, reference, [pattern]);
  const names = await session.account.subscriptions();
  const subscribed = new Set(names);
  const above = new Set<string>();
  const separatorOf = (name: string) => separatorFor(session.account, name);
  const parents = new Set(names.flatMap((name) => namesAbove(name, separatorOf(name))));
  for (const name of names) {
    if (matcher.matches(name)) continue;
    for (const level of namesAbove(name, separatorOf(name)))
      if (!subscribed.has(level) && matcher.matches(level)) above.add(level);
  }
  const line = (name: string, attributes: readonly string[]) => ({
    name,
    separator: separatorOf(name),
    attributes: [...attributes, parents.has(name) ? '\\HasChildren' : '\\HasNoChildren'],
  });
  return [
    ...names.filter((name) => matcher.matches(name)).map((name) => line(name, [])),
    ...[...above].map((name) => line(name, ['\\Noselect'])),
  ];
}
