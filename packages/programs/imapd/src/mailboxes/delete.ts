// DELETE (RFC 9051, section 6.3.5). Mailboxes below it stay. Its subscription stays: only the client ends that.

import { NameFault, type Place } from '@q/mail-account';
import { ok } from '../reply.ts';
import type { CommandRow, Session } from '../session.ts';
import { leaveIfSelected } from './leave.ts';
import { ownChange } from './notify/own-change.ts';

export const deleteRow: CommandRow<{ readonly mailbox: string }> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox }) {
    const mailboxId = await identityOf(session, mailbox);
    const place = await session.account.remove(mailbox);
    ownChange(session, 'names', place.name);
    session.forget(place.dir, mailboxId);
    leaveIfSelected(session, place.dir);
    return ok('DELETE completed');
  },
};

/** Undefined when it cannot be opened: then nothing is remembered of it either. */
async function identityOf(session: Session, mailbox: string): Promise<string | undefined> {
  const place = session.account.locate(mailbox);
  try {
    return await idOf(session, place);
  } catch (error) {
    if (error instanceof NameFault) return undefined;
    session.log(`warning: unable to open ${place.dir}: ${(error as Error).message}`);
    return undefined;
  }
}

async function idOf(session: Session, place: Place): Promise<string> {
  const opened = await session.open(place);
  opened.release();
  return opened.folder.mailboxId;
}
