// The text of a bounce (QSBMF, the qmail-send bounce message format). Pure. Programs read these
// messages, so the words are fixed.
//
// bounce/N holds one paragraph for each address that failed:
//
//   paragraph = "<" address ">:" LF text LF      ; text ends in LF and has no empty line in it
//
// Example: "<joe@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"

import { quoteAddress } from '@q/address';
import { rfc822Date } from '@q/message';

/** What bounce/N gets for one failed recipient. `report` is the text without its result letter. */
export function bounceParagraph(recipient: string, report: string): string {
  const ended = report === '' || report.endsWith('\n') ? report : `${report}\n`;
  const text = `<${recipient.replace(/\n/g, '_')}>:\n${ended}`;
  // An empty line would end the paragraph early, so each LF after an LF becomes a slash; the last one stays.
  const body = text.slice(0, -1).replace(/\n\n+/g, (run) => `\n${'/'.repeat(run.length - 1)}`);
  return `${body}\n\n`;
}

export interface BounceHeader {
  /** Seconds since 1970. */
  readonly now: number;
  readonly bounceFrom: string;
  readonly bounceHost: string;
  readonly recipient: string;
  /** The bounced message is a bounce itself. */
  readonly double: boolean;
}

/** Everything before the paragraphs, header included. */
export function bounceOpening(header: BounceHeader): string {
  const { now, bounceFrom, bounceHost, recipient, double } = header;
  const regret = double
    ? 'I tried to deliver a bounce message to this address, but the bounce bounced!\n'
    : "I'm afraid I wasn't able to deliver your message to the following addresses.\n" +
      "This is a permanent error; I've given up. Sorry it didn't work out.\n";
  return (
    `Date: ${rfc822Date(now)}\n` +
    `From: ${quoteAddress(`${bounceFrom}@${bounceHost}`)}\n` +
    `To: ${oneLine(quoteAddress(recipient))}\n` +
    'Subject: failure notice\n' +
    '\n' +
    `Hi. This is the qmail-send program at ${bounceHost}.\n` +
    `${regret}\n`
  );
}

/** What stands between the paragraphs and the copy of the message. */
export function bounceSeparator(sender: string, double: boolean): string {
  const line = double
    ? '--- Below this line is the original bounce.'
    : '--- Below this line is a copy of the message.';
  return `${line}\n\nReturn-Path: <${oneLine(quoteAddress(sender))}>\n`;
}

/** A sender may hold a line end: it must not begin a header line of its own. */
function oneLine(address: string): string {
  return address.replaceAll('\n', '_');
}

/** What goes into the bounce and the log when a message's time is over. */
export const TOO_LONG_IN_QUEUE =
  "I'm not going to try again; this message has been in the queue too long.\n";
