// The recipients in files of sendmail's kind: /etc/aliases, .forward, :include: files. Addresses as in a header field
// (RFC 822), and three things more where an address has no host:
//
//   recipients = *( recipient / "," / ":" / ";" )
//   recipient  = address / "|" command / "/" file / ":include:" path
//
// Example: bob, "|vacation bob", :include:/etc/staff, Joe Shmoe <joe@example.org>. Groups are not supported: their
// colon and semicolon separate.

import { plainText, rewriteAddressList, type Token, tokenize } from '@q/rfc822';

/** Texts are latin1. */
export type Recipient =
  | { readonly kind: 'address'; readonly tokens: readonly Token[] }
  | { readonly kind: 'program'; readonly command: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'include'; readonly path: string };

/** The recipients of a text, the last first. Undefined when it cannot be read. */
export function parseRecipients(text: string): Recipient[] | undefined {
  if (text.includes('\0')) return undefined;
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  const flat = separated(tokens.filter((token) => token.type !== 'comment'));
  const recipients: Recipient[] = [];
  const list = rewriteAddressList(flat, (address) => {
    recipients.push(recipientOf(address));
    return address;
  });
  const marks = flat.filter((token) => token === INCLUDE).length;
  const includes = recipients.filter(({ kind }) => kind === 'include').length;
  // A mark that became part of something else: ":include: <x>".
  return list === undefined || marks !== includes ? undefined : recipients;
}

/** True for an address without a host. */
export function isLocal(tokens: readonly Token[]): boolean {
  return !tokens.some((token) => token.type === '@');
}

function recipientOf(tokens: readonly Token[]): Recipient {
  if (tokens[0] === INCLUDE) return { kind: 'include', path: plainText(tokens.slice(2)) };
  const text = plainText(tokens);
  if (isLocal(tokens) && text.startsWith('|')) return { kind: 'program', command: text.slice(1) };
  if (isLocal(tokens) && text.startsWith('/')) return { kind: 'file', path: text };
  return { kind: 'address', tokens };
}

/** What ":include:" becomes, joined by a dot to the path behind it; known by its identity, not its text. */
const INCLUDE: Token = { type: 'atom', text: ':include:' };
const COMMA: Token = { type: ',', text: ',' };
const DOT: Token = { type: '.', text: '.' };

/** Colons and semicolons outside of angle brackets, where they belong to a route, are commas. */
function separated(tokens: readonly Token[]): Token[] {
  const flat: Token[] = [];
  let angle = false;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (token.type === '<') angle = true;
    if (token.type === '>') angle = false;
    if (angle || (token.type !== ':' && token.type !== ';')) {
      flat.push(token);
    } else if (isInclude(tokens, at)) {
      flat.push(COMMA, INCLUDE, DOT);
      at += 2;
    } else {
      flat.push(COMMA);
    }
  }
  return flat;
}

function isInclude(tokens: readonly Token[], at: number): boolean {
  const [colon, word, end] = tokens.slice(at, at + 3);
  return (
    colon?.type === ':' &&
    word?.type === 'atom' &&
    word.text.toLowerCase() === 'include' &&
    end?.type === ':'
  );
}
