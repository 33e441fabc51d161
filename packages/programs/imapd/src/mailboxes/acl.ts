// GETACL, SETACL, DELETEACL, LISTRIGHTS and MYRIGHTS (RFC 4314, section 3).

import { wireAstring } from '@q/imap';
import { CommandRefused } from '../refused.ts';
import { ok } from '../reply.ts';
import type { CommandRow, Reply, Session } from '../session.ts';
import { identifierText, rightsText, WIRE_RIGHTS } from './acl-text.ts';
import { unicodeOf } from './names.ts';

interface Mailbox {
  readonly mailbox: string;
}

interface Entry extends Mailbox {
  readonly identifier: string;
}

interface Change extends Entry {
  readonly change: 'replace' | 'add' | 'remove';
  readonly rights: string;
}

export const getAclRow = aclRow<Mailbox>(async (session, given) => {
  const place = await session.account.find(given.mailbox, 'a');
  const entries = await session.account.acl(place);
  const list = entries.map(
    ({ identifier, rights }) => ` ${identifierText(session, identifier)} ${rightsText(rights)}`,
  );
  session.untagged(`ACL ${session.mailboxText(place.name)}${list.join('')}`);
  return ok('GETACL completed');
});

export const setAclRow = aclRow<Change>(
  async (session, { mailbox, identifier, change, rights }) => {
    // RFC 4314, section 3.1: a right that the server does not know is BAD.
    if ([...rights].some((right) => !WIRE_RIGHTS.includes(right)))
      throw new CommandRefused('BAD', 'Unknown right');
    const place = await session.account.find(mailbox, 'a');
    await session.account.setAcl(place, identifierOf(identifier), change, rights);
    return ok('SETACL completed');
  },
);

export const deleteAclRow = aclRow<Entry>(async (session, { mailbox, identifier }) => {
  const place = await session.account.find(mailbox, 'a');
  await session.account.deleteAcl(place, identifierOf(identifier));
  return ok('DELETEACL completed');
});

/** Each right can be given and taken by itself, so each stands alone; nothing is given unasked but to the owner. */
export const listRightsRow = aclRow<Entry>(async (session, { mailbox, identifier }) => {
  const place = await session.account.find(mailbox, 'a');
  const name = identifierOf(identifier);
  const always = name === 'owner' ? 'la' : '';
  const optional = [...WIRE_RIGHTS].filter((right) => !always.includes(right));
  const words = [
    session.mailboxText(place.name),
    wireAstring(identifier, { utf8: session.utf8 }),
    rightsText(always),
    ...optional,
  ];
  session.untagged(`LISTRIGHTS ${words.join(' ')}`);
  return ok('LISTRIGHTS completed');
});

export const myRightsRow = aclRow<Mailbox>(async (session, given) => {
  const place = await session.account.find(given.mailbox, '');
  const rights = await session.account.rights(place);
  session.untagged(`MYRIGHTS ${session.mailboxText(place.name)} ${rightsText(rights)}`);
  return ok('MYRIGHTS completed');
});

function aclRow<Given>(run: (session: Session, given: Given) => Promise<Reply>): CommandRow<Given> {
  return {
    state: 'authenticated',
    tellsExpunged: true,
    async run(session, given) {
      if (!session.settings.acl) throw new CommandRefused('BAD', 'Access lists are turned off');
      return run(session, given);
    },
  };
}

function identifierOf(latin1: string): string {
  const identifier = unicodeOf(latin1);
  if (identifier === undefined) throw new CommandRefused('BAD', 'Invalid identifier');
  return identifier;
}
