// CREATE (RFC 9051, section 6.3.4), with special uses (RFC 6154) and the mailbox's identity (RFC 8474, section 4.1).

import type { Place } from '@q/mail-account';
import { replyOfFault } from '../fault-reply.ts';
import type { CommandRow, Reply, Session } from '../session.ts';
import { tellList } from './list-line.ts';
import { separatorFor } from './names.ts';
import { ownChange } from './notify/own-change.ts';

interface CreateArguments {
  readonly mailbox: string;
  readonly uses: readonly string[];
}

export const createRow: CommandRow<CreateArguments> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox, uses }) {
    const { account } = session;
    const place = await account.create(mailbox, uses);
    ownChange(session, 'names', place.name);
    const separator = separatorFor(account, place.name);
    const asked = mailbox.endsWith(separator) ? mailbox.slice(0, -1) : mailbox;
    // The name it has is another form of the same: RFC 9051, section 6.3.9.7.
    if (session.enabled.has('IMAP4REV2') && asked !== place.name)
      tellList(session, { name: place.name, separator, attributes: [], oldName: asked });
    return await created(session, place);
  },
};

/** It is made, and may be gone again, or be another's to look into. */
async function created(session: Session, place: Place): Promise<Reply> {
  try {
    const opened = await session.open(place);
    const { mailboxId } = opened.folder;
    opened.release();
    return { status: 'OK', code: `MAILBOXID (${mailboxId})`, text: 'CREATE completed' };
  } catch (error) {
    const { trouble } = replyOfFault(error);
    if (trouble !== undefined) session.log(`warning: CREATE: ${trouble}`);
    return { status: 'OK', text: 'CREATE completed' };
  }
}
