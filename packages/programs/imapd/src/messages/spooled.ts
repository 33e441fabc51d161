// The literals of APPEND and REPLACE, as the dispatcher has put them into files.

import type { Spool } from '@q/mailbox';
import type { Session } from '../session.ts';

/** The spool of a literal; every command that has one was given it. */
export function spooled({ spools }: Session, index: number): Spool {
  const spool = spools[index];
  if (spool === undefined) throw new Error('a literal without its spool');
  return spool;
}
