// GETQUOTAROOT, GETQUOTA and SETQUOTA (RFC 9208).

import { bytesOf } from '@q/bytes';
import { wireAstring } from '@q/imap';
import { NameFault, type QuotaRoot } from '@q/mail-account';
import { ok } from '../reply.ts';
import type { CommandRow, Session } from '../session.ts';
import { latin1Of } from './names.ts';

export const getQuotaRootRow: CommandRow<{ readonly mailbox: string }> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox }) {
    const place = await session.account.find(mailbox, '');
    const root = await session.account.quota(place);
    const name = session.mailboxText(place.name);
    session.untagged(`QUOTAROOT ${name}${root === undefined ? '' : ` ${rootText(session, root)}`}`);
    if (root !== undefined) tellQuota(session, root);
    return ok('GETQUOTAROOT completed');
  },
};

/** Of one's own root: those of others are seen by GETQUOTAROOT of a mailbox there. */
export const getQuotaRow: CommandRow<{ readonly root: string }> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { root: asked }) {
    const root = await session.account.quota(session.account.locate('INBOX'));
    if (root === undefined || !bytesOf(asked).equals(Buffer.from(root.name)))
      throw new NameFault('NONEXISTENT', 'No such quota root');
    tellQuota(session, root);
    return ok('GETQUOTA completed');
  },
};

/** The limit is the administrator's, or that of the virtual domain's owner. */
export const setQuotaRow: CommandRow<object> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run() {
    throw new NameFault('NOPERM', 'Quotas are set by the administrator');
  },
};

/** quota-response = "QUOTA" SP quota-root-name SP "(" [quota-resource *(SP quota-resource)] ")" */
function tellQuota(session: Session, root: QuotaRoot): void {
  const resources = root.resources.map(
    ({ resource, used, limit }) => `${resource} ${used} ${limit}`,
  );
  session.untagged(`QUOTA ${rootText(session, root)} (${resources.join(' ')})`);
}

function rootText(session: Session, { name }: QuotaRoot): string {
  return wireAstring(latin1Of(name), { utf8: session.utf8 });
}
