// qmail-getpw(8): says which account of the host an address belongs to. Runs as qmailp, because the name
// service may be a big library that talks to the network.

import { writeFullySync } from '@q/fsx';
import { type Invocation, mailText } from '@q/proc';
import { encodeAssignment, getpwRule } from '@q/users';

/**
 * The arguments of the worker form. Its first one is no local part that could be asked for, and
 * qmail-lspawn of qmail gives one argument only: any local part can still be looked up.
 */
export const GETPW_WORKER = ['', '--worker'] as const;

/** One look-up, or in the worker form many. */
export async function getpwMain(invocation: Invocation): Promise<number> {
  const { args } = invocation;
  if (!GETPW_WORKER.every((word, i) => word === args[i]))
    return lookUp(invocation, (answer) => writeFullySync(1, answer));
  const { serveCalls } = await import('@q/warm');
  return serveCalls(invocation, (call, { print }) => lookUp(call, (answer) => print(1, answer)));
}

/**
 * Prints user, uid, gid, home, dash and ext of the local part args[0], each with a NUL; further arguments
 * mean nothing. Throws faults with the exit codes 115, 116 and 118.
 */
function lookUp({ args }: Invocation, print: (answer: Buffer) => void): number {
  print(encodeAssignment(getpwRule(mailText(args[0] ?? ''))));
  return 0;
}
