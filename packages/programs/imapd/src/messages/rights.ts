// What the user may do with the selected mailbox (RFC 4314, section 4): asked anew by each command that needs a right, since a list
// may have been changed after SELECT, by any program.

import type { Rights } from '@q/mail-account';
import { CommandRefused } from '../refused.ts';
import type { Session } from '../session.ts';
import type { View } from '../view.ts';

/** The user's rights as they are now; '' once the mailbox may not even be seen. Throws a fault. */
export async function rightsNow({ account }: Session, { opened, rights }: View): Promise<Rights> {
  const { place, folder } = opened;
  // It was renamed: its list is not to be found by this name. What it was selected with holds until it is selected again.
  if (folder.dir !== place.dir) return rights;
  return await account.rights(place);
}

/** The selected view, when it may be changed. Throws CommandRefused. */
export function changeableView({ view }: Session): View {
  if (view === undefined) throw new CommandRefused('BAD', 'No mailbox is selected');
  if (view.readOnly)
    throw new CommandRefused('NO', 'The mailbox is selected read-only', 'READ-ONLY');
  return view;
}

/** Throws CommandRefused unless the user has all of `rights` there. */
export async function demandRights(session: Session, view: View, rights: Rights): Promise<void> {
  const mine = await rightsNow(session, view);
  if ([...rights].some((right) => !mine.includes(right)))
    throw new CommandRefused('NO', 'Not your right here', 'NOPERM');
}
