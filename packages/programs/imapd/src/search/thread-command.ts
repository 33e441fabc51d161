// THREAD and UID THREAD (RFC 5256).

import type { CommandName, SearchKey } from '@q/imap';
import { enableCondstore } from '../condstore.ts';
import { ok } from '../reply.ts';
import type { Reply, Session } from '../session.ts';
import { mentions, startSearch } from './searching.ts';
import { threadByReferences } from './thread-references.ts';
import { threadResponse } from './thread-response.ts';
import { threadBySubject } from './thread-subject.ts';
import { type Forest, type Threaded, threadedOf } from './threaded.ts';

export interface ThreadArguments {
  readonly algorithm: keyof typeof ALGORITHMS;
  readonly charset: string;
  readonly key: SearchKey;
}

export async function thread(
  session: Session,
  given: ThreadArguments,
  tag: string,
  name: CommandName,
): Promise<Reply> {
  const searching = await startSearch(session, given, tag, name, 1);
  const { found, view, progress, naming } = searching;
  if (mentions(given.key, ['modseq'])) enableCondstore(session);
  const threaded = await threadedOf(found, view.opened.cache, progress);
  const forest = await ALGORITHMS[given.algorithm](threaded, () => progress.at(1, 1));
  for (const piece of threadResponse(forest, threaded.messages.map(naming))) {
    session.write(piece);
    await session.drain();
  }
  session.write('\r\n');
  return ok('Thread completed');
}

type Algorithm = (threaded: Threaded, rest: () => Promise<void>) => Promise<Forest>;

const ALGORITHMS = {
  ORDEREDSUBJECT: async (threaded) => threadBySubject(threaded),
  REFERENCES: (threaded, rest) => threadByReferences(threaded, { bySubject: true }, rest),
  REFS: (threaded, rest) => threadByReferences(threaded, { bySubject: false }, rest),
} satisfies Record<string, Algorithm>;
