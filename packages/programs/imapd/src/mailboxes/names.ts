// Mailbox names and patterns as the client sends them, and as they are here: Unicode in NFC.

import { asciiEqual, bytesOf, decodeModifiedUtf7, textOf } from '@q/bytes';
import { ListPattern } from '@q/imap';
import { type MailAccount, NameFault } from '@q/mail-account';
import type { Session } from '../session.ts';

/** The character between the levels of `name`. */
export function separatorFor({ namespaces }: MailAccount, name: string): string {
  const { personal, others, shared } = namespaces;
  const foreign = [...others, ...shared].find(({ prefix }) => name.startsWith(prefix));
  return (foreign ?? personal[0])?.separator ?? '/';
}

/** UTF-8 bytes as latin1 text, and back; undefined when it is no UTF-8. */
export function latin1Of(text: string): string {
  return textOf(Buffer.from(text, 'utf8'));
}

export function unicodeOf(latin1: string): string | undefined {
  try {
    return STRICT.decode(bytesOf(latin1));
  } catch {
    return undefined;
  }
}

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A name or pattern that came as text; undefined when it is in no form that a name has. Wildcards end a shifted part. */
export function decodePattern(session: Pick<Session, 'utf8'>, text: string): string | undefined {
  const parts = text.split(/([*%])/);
  const decoded = parts.map((part) => (session.utf8 ? unicodeOf(part) : decodeModifiedUtf7(part)));
  if (decoded.includes(undefined)) return undefined;
  return decoded.join('').normalize('NFC');
}

/** Whether `name` is in a namespace of others. */
export function isOfOthers({ account }: Pick<Session, 'account'>, name: string): boolean {
  return othersPrefixes(account).some((prefix) => name.startsWith(prefix));
}

/**
 * Whether one of the patterns (with their reference) may be for names of others. Those that begin with "#" are told only to
 * who begins so, as in Courier: there may be thousands of accounts to look into (RFC 9051, section 6.3.9).
 */
export function asksForOthers(
  session: Pick<Session, 'account' | 'utf8'>,
  patterns: readonly string[],
): boolean {
  return patterns.some((pattern) => {
    const fixed = (decodePattern(session, pattern) ?? '').replace(/[*%].*$/s, '');
    return othersPrefixes(session.account).some(
      (prefix) =>
        (fixed.startsWith('#') || !prefix.startsWith('#')) &&
        (fixed.startsWith(prefix) || prefix.startsWith(fixed)),
    );
  });
}

function othersPrefixes({ namespaces }: MailAccount): readonly string[] {
  return [...namespaces.others, ...namespaces.shared].map(({ prefix }) => prefix);
}

/** Says whether a name is meant by one of several patterns. */
export interface NameMatcher {
  matches(name: string): boolean;
}

/**
 * What LIST and LSUB ask for: each pattern stands after the reference, as in Courier. Throws NameFault LIMIT for a pattern that is
 * too long.
 */
export function matcherOf(
  session: Session,
  reference: string,
  patterns: readonly string[],
): NameMatcher {
  const wholes = patterns
    .map((pattern) => decodePattern(session, reference + pattern))
    .filter((pattern) => pattern !== undefined);
  const tests = wholes.flatMap((whole) => {
    const separator = separatorFor(session.account, whole);
    const anyCase = withInbox(whole);
    return [
      patternTest(whole, separator),
      // INBOX and what is below it is meant in any case: RFC 9051, section 5.1.
      ...(anyCase === whole ? [] : [inboxTest(patternTest(anyCase, separator), separator)]),
    ];
  });
  return { matches: (name) => tests.some((test) => test(name)) };
}

type NameTest = (name: string) => boolean;

function patternTest(pattern: string, separator: string): NameTest {
  // What most clients ask for needs no walk through each name.
  const prefix = pattern.replace(/\*+$/, '');
  if (prefix !== pattern && !/[*%]/.test(prefix)) return (name) => name.startsWith(prefix);
  const made = ListPattern.of(pattern, separator);
  if (made === undefined) throw new NameFault('LIMIT', 'Pattern too long');
  return (name) => made.matches(name);
}

function inboxTest(test: NameTest, separator: string): NameTest {
  return (name) => (name === INBOX || name.startsWith(INBOX + separator)) && test(name);
}

const INBOX = 'INBOX';

/** The pattern with as much of "INBOX" as it begins with in upper case. */
function withInbox(pattern: string): string {
  let length = 0;
  while (length < INBOX.length && asciiEqual(pattern[length] ?? '', INBOX[length] ?? ''))
    length += 1;
  return INBOX.slice(0, length) + pattern.slice(length);
}

/** The names of the levels above `name`, the nearest first. */
export function namesAbove(name: string, separator: string): string[] {
  const above: string[] = [];
  for (let end = name.lastIndexOf(separator); end > 0; end = name.lastIndexOf(separator, end - 1))
    above.push(name.slice(0, end));
  return above;
}
