// NAMESPACE (RFC 2342; RFC 9051, section 6.3.10).

import { wireString } from '@q/imap';
import type { NamespaceEntry } from '@q/mail-account';
import { ok } from '../reply.ts';
import type { CommandRow, Session } from '../session.ts';

export const namespaceRow: CommandRow<object> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session) {
    const { personal, others, shared } = session.account.namespaces;
    const lists = [personal, others, shared].map((entries) => entriesText(session, entries));
    session.untagged(`NAMESPACE ${lists.join(' ')}`);
    return ok('NAMESPACE completed');
  },
};

/** namespace = "(" 1*namespace-descr ")" / nil */
function entriesText(session: Session, entries: readonly NamespaceEntry[]): string {
  if (entries.length === 0) return 'NIL';
  // Prefixes are ours, and ASCII.
  const texts = entries.map(
    ({ prefix, separator }) => `(${wireString(prefix, session)} "${separator}")`,
  );
  return `(${texts.join('')})`;
}
