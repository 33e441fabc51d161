// imap-reader: a thread of imapd, which it starts to read many messages that nobody has looked at. By itself it does nothing.

import { serveReader } from '@q/mail-cache';
import { messageRenderer } from './messages/rendering.ts';

export function imapReaderMain(): Promise<number> {
  return serveReader(messageRenderer);
}
