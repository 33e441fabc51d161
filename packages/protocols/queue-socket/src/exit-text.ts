// What qmail-queue's exit codes mean and what its callers say for each: qmail-queue(8).
// A text begins with K (queued), D (permanent) or Z (temporary).

import type { Exit } from '@q/proc';

export const QueueExit = {
  QUEUED: 0,
  ADDRESS_TOO_LONG: 11,
  REFUSED: 31,
  NO_MEMORY: 51,
  TIMEOUT: 52,
  WRITE_ERROR: 53,
  READ_ERROR: 54,
  NO_CONFIGURATION: 55,
  NETWORK: 56,
  NO_HOME: 61,
  NO_QUEUE_DIRECTORY: 62,
  NO_PID_FILE: 63,
  NO_MESSAGE_LINK: 64,
  NO_ENVELOPE_FILE: 65,
  NO_TODO_LINK: 66,
  SERVER_BUSY: 71,
  CONNECT_TIMEOUT: 72,
  CONNECT_REFUSED: 73,
  CONNECTION_BROKE: 74,
  BUG: 81,
  CUSTOM_TEXT: 82,
  BAD_ENVELOPE: 91,
  NO_EXEC: 120,
} as const;

const TROUBLE_IN_QUEUE = 'Zqq trouble creating files in queue (#4.3.0)';
const TOO_LONG = 'Denvelope address too long for qq (#5.1.3)';
const INTERNAL_BUG = 'Zqq internal bug (#4.3.0)';

const TEXTS: ReadonlyMap<number, string> = new Map([
  [QueueExit.QUEUED, 'K'],
  [QueueExit.ADDRESS_TOO_LONG, TOO_LONG],
  [115, TOO_LONG], // the code of qmail 1.01, still used by replacements
  [QueueExit.REFUSED, 'Dmail server permanently rejected message (#5.3.0)'],
  [QueueExit.NO_MEMORY, 'Zqq out of memory (#4.3.0)'],
  [QueueExit.TIMEOUT, 'Zqq timeout (#4.3.0)'],
  [QueueExit.WRITE_ERROR, 'Zqq write error or disk full (#4.3.0)'],
  [QueueExit.READ_ERROR, 'Zqq read error (#4.3.0)'],
  [QueueExit.NO_CONFIGURATION, 'Zqq unable to read configuration (#4.3.0)'],
  [QueueExit.NETWORK, 'Zqq trouble making network connection (#4.3.0)'],
  [QueueExit.NO_HOME, 'Zqq trouble in home directory (#4.3.0)'],
  [QueueExit.NO_QUEUE_DIRECTORY, TROUBLE_IN_QUEUE],
  [QueueExit.NO_PID_FILE, TROUBLE_IN_QUEUE],
  [QueueExit.NO_MESSAGE_LINK, TROUBLE_IN_QUEUE],
  [QueueExit.NO_ENVELOPE_FILE, TROUBLE_IN_QUEUE],
  [QueueExit.NO_TODO_LINK, TROUBLE_IN_QUEUE],
  [QueueExit.SERVER_BUSY, 'Zmail server temporarily rejected message (#4.3.0)'],
  [QueueExit.CONNECT_TIMEOUT, 'Zconnection to mail server timed out (#4.4.1)'],
  [QueueExit.CONNECT_REFUSED, 'Zconnection to mail server rejected (#4.4.1)'],
  [QueueExit.CONNECTION_BROKE, 'Zcommunication with mail server failed (#4.4.2)'],
  [QueueExit.BUG, INTERNAL_BUG],
  [QueueExit.BAD_ENVELOPE, INTERNAL_BUG],
  [QueueExit.NO_EXEC, 'Zunable to exec qq (#4.3.0)'],
]);

/**
 * The text for an end of qmail-queue (or of what $QMAILQUEUE names). `errorText` is what it wrote to
 * fd 6: used with exit 82 alone, when it is longer than two bytes.
 */
export function queueExitText(exit: Exit, errorText = ''): string {
  if ('signal' in exit) return 'Zqq crashed (#4.3.0)';
  const { code } = exit;
  if (code === QueueExit.CUSTOM_TEXT && errorText.length > 2) return customText(errorText);
  const known = TEXTS.get(code);
  if (known !== undefined) return known;
  return code >= 11 && code <= 40
    ? 'Dqq permanent problem (#5.3.0)'
    : 'Zqq temporary problem (#4.3.0)';
}

/**
 * A filter's own text, fit for one line of an SMTP reply or a log: ended at a NUL, without the line
 * end, other controls as blanks. One that does not begin with D or Z is temporary: mail is not bounced
 * for a filter's slip.
 */
function customText(text: string): string {
  const end = text.indexOf('\0');
  const line = (end < 0 ? text : text.slice(0, end))
    .replace(/[\r\n]+$/, '')
    .replace(/[\x00-\x1f\x7f]/g, ' ');
  return line.startsWith('D') || line.startsWith('Z') ? line : `Z${line}`;
}
