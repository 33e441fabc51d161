// The environment in which hooks and the programs after checkvpw see a virtual user.

import { argText } from '@q/proc';
import { UNLIMITED, type VirtualUser } from './record.ts';

/**
 * VUSER, MAILDIR and the VUSER_ variables; numbers in decimal, "-" for unlimited. MAILDIR is the record's
 * directory, relative to HOME. Throws Permanent when name or directory cannot be handed to a program by Node.
 */
export function virtualEnvironment(name: string, user: VirtualUser): Record<string, string> {
  return {
    VUSER: argText(name),
    MAILDIR: argText(user.directory),
    VUSER_CTIME: decimal(user.created),
    VUSER_EXPIRY: decimal(user.expiry),
    VUSER_MSGCOUNT: decimal(user.messageCount),
    VUSER_MSGSIZE: decimal(user.messageSize),
    // Free text, in Latin-1 in many an old table: better with a replacement character than no login.
    VUSER_PERSONAL: Buffer.from(user.personal, 'latin1').toString('utf8'),
    VUSER_HARDQUOTA: decimal(user.hardQuota),
    VUSER_SOFTQUOTA: decimal(user.softQuota),
    VUSER_HAS_MAILBOX: user.hasMailbox ? '1' : '0',
    VUSER_MAILBOX_ENABLED: user.mailboxEnabled ? '1' : '0',
  };
}

function decimal(value: number): string {
  return value === UNLIMITED ? '-' : String(value);
}
