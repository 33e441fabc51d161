// A mailbox that is selected here and is no more, by this session's own doing.

import type { Session } from '../session.ts';

/** The selected mailbox is left without EXPUNGE when it is the one in `dir`, and the client is told (RFC 9051, section 7.1). */
export function leaveIfSelected(session: Session, dir: string): void {
  if (session.view?.opened.folder.dir !== dir) return;
  session.view.close();
  session.view = undefined;
  session.savedResult = [];
  session.untagged('OK [CLOSED] The mailbox is no longer selected');
}
