// RENAME (RFC 9051, section 6.3.6). What is below a mailbox goes with it, and so do its annotations and access lists.
// INBOX stays: its messages move to a new mailbox.

import type { Place } from '@q/mail-account';
import { outliveUidValidity } from '@q/mailbox';
import { CommandRefused } from '../refused.ts';
import { ok } from '../reply.ts';
import type { CommandRow, Session } from '../session.ts';
import { tellList } from './list-line.ts';
import { separatorFor } from './names.ts';
import { ownChange } from './notify/own-change.ts';

interface RenameArguments {
  readonly from: string;
  readonly to: string;
}

export const renameRow: CommandRow<RenameArguments> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { from, to }) {
    if (from === 'INBOX') {
      await moveInbox(session, to);
      return ok('RENAME completed');
    }
    const moves = await session.account.rename(from, to);
    for (const move of moves) {
      session.moved(move.from.dir, move.to.dir);
      ownChange(session, 'names', move.from.name);
      ownChange(session, 'names', move.to.name);
    }
    await outliveUidValidity(moves.map((move) => move.to.dir));
    tellNewName(session, moves, from);
    return ok('RENAME completed');
  },
};

/** What the mailbox itself is called now (RFC 9051, section 6.3.9.7); those below follow from that. */
function tellNewName(
  session: Session,
  moves: readonly { readonly from: Place; readonly to: Place }[],
  from: string,
): void {
  const first = moves.find((move) => move.from.name === from) ?? moves[0];
  if (first === undefined || !session.enabled.has('IMAP4REV2')) return;
  const separator = separatorFor(session.account, first.to.name);
  tellList(session, { name: first.to.name, separator, attributes: [], oldName: first.from.name });
}

/** All or, when it breaks off (throws CommandRefused), the first ones: INBOX has the rest, and the new mailbox is there. */
async function moveInbox(session: Session, to: string): Promise<void> {
  const { account } = session;
  const inbox = await account.find('INBOX', 'rte');
  const place = await account.create(to, []);
  ownChange(session, 'names', place.name);
  const source = await session.open(inbox);
  try {
    const target = await session.open(place);
    try {
      await source.folder.refresh({ takeNew: true });
      const messages = source.folder.messages.slice();
      await target.folder.take(source.folder, messages, 'move');
      if (messages.some(({ gone }) => !gone))
        throw new CommandRefused('NO', 'Not all messages could be moved', 'UNAVAILABLE');
    } finally {
      target.release();
    }
  } finally {
    source.release();
  }
}
