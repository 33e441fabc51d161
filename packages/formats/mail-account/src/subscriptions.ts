// The file `courierimapsubscribed` in a Maildir: the mailboxes the user subscribed to, one a line, as Courier's clients
// call them, in modified UTF-7, whatever the session's own namespace is.
//
//     INBOX
//     INBOX.Arch.T&AOk-st
//     #shared.bob.Plans
//
// A Maildir that has none may have Dovecot's `subscriptions`, which is read then: names without "INBOX.", in modified
// UTF-7, with "." between the levels; or, when the first line is "V" TAB "2" and the second empty, with TAB. The first change
// takes it over.
//
// Lines that lead nowhere stay: a mailbox of this name may be made again (RFC 3501, section 6.3.7).

import { join } from 'node:path';
import { bytesOf, decodeModifiedUtf7, encodeModifiedUtf7 } from '@q/bytes';
import { faultOf } from '@q/fault';
import { writeFileAtomic } from '@q/fsx';
import { SUBSCRIPTIONS_MAX } from './limits.ts';
import { NameFault } from './name-fault.ts';
import { Naming, type SpacePath } from './namespace.ts';
import { linesOf, readSmallFile } from './small-file.ts';

export const SUBSCRIPTIONS_FILE = 'courierimapsubscribed';
const DOVECOTS = 'subscriptions';
/** Courier's, less what the umask takes off there. */
const MODE = 0o644;

const courier = new Naming('courier');

/** Each once, in the file's order; lines that no mailbox can have for a name are left out. Throws a fault. */
export function readSubscriptions(root: string): SpacePath[] {
  return readLines(root)
    .map(placeOfLine)
    .filter((place) => place !== undefined);
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
  const line = encodeModifiedUtf7(courier.format(place) ?? '');
  if (line === undefined || line === '') throw new NameFault('CANNOT', 'No mailbox of this kind');
  const lines = readLines(root);
  const isHere = (other: string) => other === line || keyOf(placeOfLine(other)) === keyOf(place);
  if (lines.some(isHere) === subscribed) return;
  const wanted = subscribed ? [...lines, line] : lines.filter((other) => !isHere(other));
  const data = bytesOf(wanted.map((one) => `${one}\n`).join(''));
  if (subscribed && data.length > SUBSCRIPTIONS_MAX)
    throw new NameFault('LIMIT', 'Too many subscriptions');
  try {
    await writeFileAtomic(join(root, SUBSCRIPTIONS_FILE), data, { mode: MODE });
  } catch (error) {
    throw faultOf(error, 'unable to write subscriptions');
  }
}

/** What tells two places apart. */
export function keyOf(place: SpacePath | undefined): string | undefined {
  return place && `${place.space} ${place.path.join('.')}`;
}

function readLines(root: string): string[] {
  const text = readSmallFile(join(root, SUBSCRIPTIONS_FILE), SUBSCRIPTIONS_MAX);
  const lines = text === undefined ? dovecotLines(root) : linesOf(text);
  return [...new Set(lines)].filter((line) => line !== '');
}

function placeOfLine(line: string): SpacePath | undefined {
  // A client that speaks UTF-8 may have had it written so.
  const name = decodeModifiedUtf7(line) ?? Buffer.from(line, 'latin1').toString('utf8');
  try {
    return courier.parse(name);
  } catch {
    return undefined;
  }
}

/** Dovecot's list as Courier would have written it; empty when there is none. */
function dovecotLines(root: string): string[] {
  const lines = linesOf(readSmallFile(join(root, DOVECOTS), SUBSCRIPTIONS_MAX) ?? '');
  const isTabbed = lines[0] === 'V\t2';
  const names = isTabbed ? lines.slice(1).map((line) => line.replaceAll('\t', '.')) : lines;
  return names
    .filter((name) => name !== '')
    .map((name) => (/^inbox$/i.test(name) ? 'INBOX' : `INBOX.${name}`));
}
