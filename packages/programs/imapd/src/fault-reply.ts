// The one place where what was thrown becomes an answer (RFC 9051, section 7.1; RFC 5530).

import { errnoOf, faultOf, isFault, Permanent } from '@q/fault';
import { NameFault } from '@q/mail-account';
import { Disconnected, Timeout } from '@q/session';
import { CommandRefused } from './refused.ts';
import type { Reply } from './session.ts';

/** `trouble`: what the log is to be told, when it was none of the client's doing. */
export interface FaultReply {
  readonly reply: Reply;
  readonly trouble?: string;
}

/**
 * What is answered to a command that threw. The end of the connection is no answer: it is thrown on. Texts of faults are for
 * the log: they name files.
 */
export function replyOfFault(error: unknown): FaultReply {
  if (error instanceof Timeout || error instanceof Disconnected) throw error;
  if (error instanceof CommandRefused) {
    const { status, code, message } = error;
    return { reply: { status, text: message, ...(code !== undefined && { code }) } };
  }
  if (error instanceof NameFault)
    return { reply: { status: 'NO', code: error.code, text: error.message } };
  // A folder's refusal: it has a code, and a text that is for the client.
  if (error instanceof Permanent && 'code' in error && typeof error.code === 'string')
    return { reply: { status: 'NO', code: error.code, text: error.message } };
  const trouble = faultOf(error, 'internal error').message;
  return { reply: replyOfTrouble(error), trouble };
}

function replyOfTrouble(error: unknown): Reply {
  const cause = isFault(error) ? error.cause : error;
  const errno = cause === undefined ? undefined : errnoOf(cause);
  if (errno === 'EDQUOT') return { status: 'NO', code: 'OVERQUOTA', text: 'Over quota' };
  if (isFault(error) || errno !== undefined)
    return { status: 'NO', code: 'UNAVAILABLE', text: 'Temporary trouble, please try again' };
  return { status: 'NO', code: 'SERVERBUG', text: 'Internal error' };
}
