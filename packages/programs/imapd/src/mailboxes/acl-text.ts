// Identifiers and rights as they are on the wire (RFC 4314; ACL2=UNION, as Courier has it).
//
// A user's entry is shown under his name alone: "bob" and not "user=bob". Only names that would be read as something
// else keep the word.

import { wireAstring } from '@q/imap';
import type { Rights } from '@q/mail-account';
import type { Session } from '../session.ts';
import { latin1Of } from './names.ts';

/** All that SETACL takes, in the order of the RFC. */
export const WIRE_RIGHTS = 'lrswipkxteacd';

/**
 * `rights` with those of RFC 2086, which older clients look for: c for k, and d for any of x, t and e (RFC 4314, section
 * 2.1.1). Of no rights the text is "".
 */
export function rightsText(rights: Rights): string {
  const create = rights.includes('k') ? 'c' : '';
  const remove = /[xte]/.test(rights) ? 'd' : '';
  return rights === '' ? '""' : `${rights}${create}${remove}`;
}

/** An identifier of a list, in the client's form. */
export function identifierText(session: Session, identifier: string): string {
  const [, minus = '', name = ''] = /^(-?)user=(.+)$/su.exec(identifier) ?? [];
  const shown = name === '' || isSpecial(name) ? identifier : minus + name;
  return wireAstring(latin1Of(shown), { utf8: session.utf8 });
}

function isSpecial(name: string): boolean {
  return (
    ['owner', 'anyone', 'anonymous', 'administrators'].includes(name) ||
    /^(?:-|user=|group=)/.test(name)
  );
}
