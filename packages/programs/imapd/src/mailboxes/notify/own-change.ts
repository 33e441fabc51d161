// What a session changed itself is no news to it (RFC 5465, section 5).

import type { Session } from '../../session.ts';

/** `names`: made, removed, renamed or subscribed. `annotations`: annotated. */
type Kind = 'names' | 'annotations';

const changes = new WeakMap<Session, Record<Kind, Set<string>>>();

/** This session changed the mailbox called `name`; '' is the server. */
export function ownChange(session: Session, kind: Kind, name: string): void {
  if (session.notifier === undefined) return;
  const known = changes.get(session) ?? { names: new Set(), annotations: new Set() };
  known[kind].add(name);
  changes.set(session, known);
}

/** The mailboxes since the last time. */
export function takeOwnChanges(session: Session): ReadonlySet<string> {
  const names = changes.get(session)?.names ?? [];
  const taken = new Set(names);
  changes.get(session)?.names.clear();
  return taken;
}

/** Whether this session annotated the mailbox since the last time. */
export function takeOwnAnnotation(session: Session, name: string): boolean {
  return changes.get(session)?.annotations.delete(name) ?? false;
}
