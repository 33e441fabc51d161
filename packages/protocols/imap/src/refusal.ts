// What a client is told whose command was not read whole.

import type { RefusalReason, Refused } from './reader-event.ts';

/**
 * The line that answers a refused command, with CRLF. It has nothing of the client's but a valid tag (no other byte
 * of the client's may come back: it would be a response of our own to whoever made the client send it).
 * `tag` is of the command that the refused plain line belongs to.
 */
export function refusalReply(refused: Refused, tag: string | undefined = refused.tag): string {
  const text = TEXT[refused.reason];
  if (refused.closing) return `* BYE ${text}\r\n`;
  return `${tag ?? '*'} BAD ${text}\r\n`;
}

const TEXT: Readonly<Record<RefusalReason, string>> = {
  // TOOBIG is RFC 4469's code; a client that does not know it reads the text.
  'too-big': '[TOOBIG] Command too large',
  'bad-bytes': 'NUL or CR in command',
  declined: 'Message refused',
};
