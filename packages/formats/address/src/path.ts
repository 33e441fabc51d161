// The reverse-path and forward-path of SMTP's MAIL and RCPT commands (RFC 5321, 4.1.2), read as
// qmail-smtpd reads them: the quotes are taken away, the result is the raw address.
//
//   path     = "<" [ route ] address ">"
//   route    = "@" *OCTET ":"              ; a source route, dropped (RFC 5321 appendix F.2)
//   address  = *( OCTET / quoted / "\" OCTET )
//
// Example: `FROM:<@relay.example:"a b"@example.org> SIZE=500` is the address `a b@example.org` and the
// parameter `SIZE=500`.

import { PATH_MAX } from './limits.ts';

export interface Path {
  /** Raw and unquoted, without "<" and ">"; empty for "<>". */
  readonly address: string;
  /** ESMTP parameters as they stand, such as `SIZE=500`. */
  readonly parameters: readonly string[];
}

/**
 * The address in the argument of a MAIL or RCPT command (`FROM:<...>`, `TO:<...>`, with or without these
 * words). Whatever follows the address is passed over. undefined: a syntax error, for reply 555.
 */
export function parsePath(argument: string): string | undefined {
  return scan(argument)?.address;
}

/** The same with the ESMTP parameters; text glued to the ">" is a syntax error here. */
export function parsePathAndParameters(argument: string): Path | undefined {
  const found = scan(argument);
  if (found === undefined) return undefined;
  if (found.rest !== '' && !found.rest.startsWith(' ')) return undefined;
  return {
    address: found.address,
    parameters: found.rest.split(' ').filter((word) => word !== ''),
  };
}

function scan(argument: string): { address: string; rest: string } | undefined {
  // They would end an envelope record early, or a line when the address is relayed.
  if (/[\0\r\n]/.test(argument)) return undefined;
  const open = argument.indexOf('<');
  if (open >= 0) return unquote(argument, afterRoute(argument, open + 1), '>');
  // Without brackets: typed by hand, and sent by some old devices; qmail-smtpd takes it too.
  const colon = argument.indexOf(':');
  if (colon < 0) return undefined;
  let start = colon + 1;
  while (argument[start] === ' ') start++;
  return unquote(`${argument} `, afterRoute(argument, start), ' ');
}

function afterRoute(text: string, start: number): number {
  if (text[start] !== '@') return start;
  const colon = text.indexOf(':', start);
  return colon < 0 ? text.length : colon + 1;
}

/** Copies up to the terminator, which counts neither inside quotes nor after a backslash. */
function unquote(
  text: string,
  start: number,
  terminator: '>' | ' ',
): { address: string; rest: string } | undefined {
  let address = '';
  let quoted = false;
  for (let i = start; i < text.length; i++) {
    let char = text[i] as string;
    if (char === '"') {
      quoted = !quoted;
      continue;
    }
    if (char === terminator && !quoted) return { address, rest: restAfter(text, i, terminator) };
    if (char === '\\') {
      if (++i === text.length) return undefined;
      char = text[i] as string;
    }
    address += char;
    if (address.length > PATH_MAX) return undefined;
  }
  // qmail-smtpd would take what it has; but a line cut short must not become mail to another address.
  return undefined;
}

function restAfter(text: string, at: number, terminator: '>' | ' '): string {
  return text.slice(terminator === '>' ? at + 1 : at);
}
