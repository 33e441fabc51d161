// Tagged answers.

import { wireText } from '@q/imap';
import type { Reply } from './session.ts';

/** The line, with CRLF. Undefined tag: the client's is none. */
export function replyLine(tag: string | undefined, { status, code, text }: Reply): string {
  return `${tag ?? '*'} ${status} ${code === undefined ? '' : `[${code}] `}${wireText(text)}\r\n`;
}

export function ok(text: string, code?: string): Reply {
  return { status: 'OK', text, ...(code !== undefined && { code }) };
}

export function bad(text: string): Reply {
  return { status: 'BAD', text };
}
