// qmail-getpw(8): says which account of the host an address belongs to. Runs as qmailp, because the name
// service may be a big library that talks to the network.

import { writeSync } from 'node:fs';
import { type Invocation, mailText } from '@q/proc';
import { encodeAssignment, getpwRule } from '@q/users';

/**
 * Prints user, uid, gid, home, dash and ext of the local part args[0], each with a NUL; further arguments
 * mean nothing. Throws faults with the exit codes 115, 116 and 118.
 */
export function getpwMain({ args }: Invocation): number {
  writeSync(1, encodeAssignment(getpwRule(mailText(args[0] ?? ''))));
  return 0;
}
