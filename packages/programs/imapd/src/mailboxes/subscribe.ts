// SUBSCRIBE and UNSUBSCRIBE (RFC 9051, sections 6.3.7 and 6.3.8): of any name, whether there is such a mailbox or not.

import { ok } from '../reply.ts';
import type { CommandRow } from '../session.ts';
import { ownChange } from './notify/own-change.ts';

export const subscribeRow: CommandRow<{ readonly mailbox: string }> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox }) {
    const { name } = session.account.locate(mailbox);
    await session.account.subscribe(name);
    ownChange(session, 'names', name);
    return ok('SUBSCRIBE completed');
  },
};

export const unsubscribeRow: CommandRow<{ readonly mailbox: string }> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox }) {
    const { name } = session.account.locate(mailbox);
    await session.account.unsubscribe(name);
    ownChange(session, 'names', name);
    return ok('UNSUBSCRIBE completed');
  },
};
