// The file `courierimapsubscribed` in a Maildir: the mailboxes the user subscribed to, one a line, as Courier's clients
// call them (mailbox-line.ts), whatever the session's own namespace is.
//
//     INBOX
//     INBOX.Arch.Tést
//     #shared.bob.Plans
//
// A Maildir that has none may have Dovecot's `subscriptions`, which is read then: names without "INBOX.", in modified
// UTF-7, with "." between the levels; or, when the first line is "V" TAB "2" and the second empty, with TAB. The first change
// takes it over.
//
// Lines that lead nowhere stay: a mailbox of this name may be made again (RFC 3501, section 6.3.7).

import { join } from 'node:path';
import { faultOf } from '@q/fault';
import { writeFileAtomic } from '@q/fsx';
import { SUBSCRIPTIONS_MAX } from './limits.ts';
import { mailboxLine, placeOfLine } from './mailbox-line.ts';
import { NameFault } from './name-fault.ts';
import { keyOf, type SpacePath } from './namespace.ts';
import { linesOf, readText } from './small-file.ts';

export const SUBSCRIPTIONS_FILE = 'courierimapsubscribed';
const DOVECOTS = 'subscriptions';
/** Courier's, less what the umask takes off there. */
const MODE = 0o644;

/** Each once, in the file's order; lines that no mailbox can have for a name are left out. Throws a fault. */
export function readSubscriptions(root: string): SpacePath[] {
  const places = new Map<string, SpacePath>();
  for (const line of readLines(root)) {
    const place = placeOfLine(line);
    if (place !== undefined) places.set(keyOf(place), place);
  }
  return [...places.values()];
}

/**
 * Adds a line, or takes it away. To be called under the account's lock. Throws NameFault LIMIT when the list is full,
 * a fault when it cannot be written.
 */
export async function changeSubscription(
  root: string,
  place: SpacePath,
  subscribed: boolean,
): Promise<void> {
  const line = mailboxLine(place);
  if (line === undefined) throw new NameFault('CANNOT', 'No mailbox of this kind');
  const lines = readLines(root);
  const isHere = (other: string) => other === line || keyOf(placeOfLine(other)) === keyOf(place);
  if (lines.some(isHere) === subscribed) return;
  const wanted = subscribed ? [...lines, line] : lines.filter((other) => !isHere(other));
  const data = Buffer.from(wanted.map((one) => `${one}\n`).join(''));
  if (subscribed && data.length > SUBSCRIPTIONS_MAX)
    throw new NameFault('LIMIT', 'Too many subscriptions');
  try {
    await writeFileAtomic(join(root, SUBSCRIPTIONS_FILE), data, { mode: MODE });
  } catch (error) {
    throw faultOf(error, 'unable to write subscriptions');
  }
}

function readLines(root: string): string[] {
  const text = readText(join(root, SUBSCRIPTIONS_FILE), SUBSCRIPTIONS_MAX);
  const lines = text === undefined ? dovecotLines(root) : linesOf(text);
  return [...new Set(lines)].filter((line) => line !== '');
}

/** Dovecot's list as Courier would have written it; empty when there is none. */
function dovecotLines(root: string): string[] {
  const lines = linesOf(readText(join(root, DOVECOTS), SUBSCRIPTIONS_MAX) ?? '');
  const isTabbed = lines[0] === 'V\t2';
  const names = isTabbed ? lines.slice(1).map((line) => line.replaceAll('\t', '.')) : lines;
  return names
    .filter((name) => name !== '')
    .map((name) => (/^inbox$/i.test(name) ? 'INBOX' : `INBOX.${name}`));
}
