// NOTIFY (RFC 5465).

import type { NotifyGroup } from '@q/imap';
import { ok } from '../../reply.ts';
import type { CommandRow } from '../../session.ts';
import { interestsOf } from './interests.ts';
import { MailboxNotifier } from './notifier.ts';

interface NotifyArguments {
  readonly status: boolean;
  /** None: NOTIFY NONE. */
  readonly groups: readonly NotifyGroup[];
}

export const notifyRow: CommandRow<NotifyArguments> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { status, groups }) {
    const interests = interestsOf(session.account, groups);
    const notifier =
      groups.length === 0 ? undefined : await MailboxNotifier.open(session, interests, status);
    // Only now: what was asked for before holds until this has succeeded.
    session.notifier?.close();
    session.notifier = notifier;
    return ok('NOTIFY completed');
  },
};
