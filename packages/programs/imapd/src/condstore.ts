// Mod-sequences in answers begin when the client first speaks of them (RFC 7162, section 3.1).

import type { Session } from './session.ts';

/** For each CONDSTORE enabling command. The first one of a session is told the selected mailbox's highest mod-sequence. */
export function enableCondstore(session: Pick<Session, 'enabled' | 'view' | 'untagged'>): void {
  if (session.enabled.has('CONDSTORE')) return;
  session.enabled.add('CONDSTORE');
  const folder = session.view?.opened.folder;
  if (folder !== undefined) session.untagged(`OK [HIGHESTMODSEQ ${folder.highestModseq}] Highest`);
}
