// Why a delivery to a maildir failed. Every kind is temporary: the message is tried again.

import { Temporary } from '@q/fault';

/** chdir: no such maildir; timeout: a day has passed; read: the message's source; write: anything else. */
export type MaildirTrouble = 'chdir' | 'timeout' | 'read' | 'write';

/** The message is the one qmail-local shows; `cause` is what happened (a full quota is EDQUOT there). */
export class MaildirFault extends Temporary {
  readonly kind: MaildirTrouble;

  constructor(kind: MaildirTrouble, cause?: unknown) {
    super(TEXTS[kind], { cause });
    this.kind = kind;
  }
}

const TEXTS: Readonly<Record<MaildirTrouble, string>> = {
  chdir: 'Unable to chdir to maildir. (#4.2.1)',
  timeout: 'Timeout on maildir delivery. (#4.3.0)',
  read: 'Unable to read message. (#4.3.0)',
  write: 'Temporary error on maildir delivery. (#4.3.0)',
};
