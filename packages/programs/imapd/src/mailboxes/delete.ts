// DELETE (RFC 9051, section 6.3.5). Mailboxes below it stay. Its subscription stays: only the client ends that.

import { outliveUidValidity } from '@q/mailbox';
import { replyOfFault } from '../fault-reply.ts';
import { ok } from '../reply.ts';
import type { CommandRow, Session } from '../session.ts';
import { leaveIfSelected } from './leave.ts';
import { ownChange } from './notify/own-change.ts';

export const deleteRow: CommandRow<{ readonly mailbox: string }> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox }) {
    const mailboxId = await identityOf(session, mailbox);
    await outliveUidValidity([session.account.locate(mailbox).dir]);
    const place = await session.account.remove(mailbox);
    ownChange(session, 'names', place.name);
    session.forget(place.dir, mailboxId);
    leaveIfSelected(session, place.dir);
    return ok('DELETE completed');
  },
};

/** Undefined when it cannot be opened: then nothing is remembered of it either. */
async function identityOf(session: Session, mailbox: string): Promise<string | undefined> {
  try {
    const opened = await session.open(await session.account.find(mailbox, 'x'));
    opened.release();
    return opened.folder.mailboxId;
  } catch (error) {
    const { trouble } = replyOfFault(error);
    if (trouble !== undefined) session.log(`warning: DELETE: ${trouble}`);
    return undefined;
  }
}
