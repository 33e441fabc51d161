// A .forward file: addresses and programs, of a user who may be among them. dot-forward(1).
//
//   file = *( ( "#" comment / recipients ) LF )        ; recipients.ts; each line for itself
//
// Example: \joe, bob@example.org, "|vacation joe"      is direct delivery to joe, a forward and a program.

import { asciiLower } from '@q/bytes';
import { Temporary } from '@q/fault';
import { plainText } from '@q/rfc822';
import { type Hosts, qualify } from './qualify.ts';
import { isLocal, parseRecipients, type Recipient } from './recipients.ts';

export interface ForwardFile {
  /** In the order in which they are to run. */
  readonly programs: readonly string[];
  readonly addresses: readonly string[];
  /** The user is a recipient. */
  readonly direct: boolean;
}

/**
 * What a .forward file says; undefined for one that says nothing. `user` is compared without regard to case, with the
 * host left out or given. Throws Temporary for what cannot be read or is not supported.
 */
export function parseForwardFile(
  text: string,
  hosts: Hosts,
  user: { readonly name: string; readonly host: string },
): ForwardFile | undefined {
  const programs: string[] = [];
  const addresses = new Set<string>();
  let direct = false;
  const take = (recipient: Recipient) => {
    if (recipient.kind === 'program') {
      programs.push(recipient.command);
      return;
    }
    if (recipient.kind !== 'address') throw unsupported(recipient);
    const address = qualify(recipient.tokens, hosts);
    if (address === '') return;
    const bare = isLocal(recipient.tokens) ? plainText(recipient.tokens) : undefined;
    if (same(bare, user.name) || same(address, `${user.name}@${user.host}`)) direct = true;
    else addresses.add(address);
  };
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const recipients = parseRecipients(line);
    if (recipients === undefined)
      throw new Temporary(`unable to parse this line: ${line.slice(0, 200)}`);
    for (const recipient of recipients) take(recipient);
  }
  if (programs.length === 0 && addresses.size === 0 && !direct) return undefined;
  return { programs, addresses: [...addresses], direct };
}

function same(a: string | undefined, b: string): boolean {
  return a !== undefined && b !== '' && asciiLower(a) === asciiLower(b);
}

function unsupported({ kind, path }: Extract<Recipient, { path: string }>): Temporary {
  return new Temporary(
    `${kind === 'file' ? 'file delivery' : ':include: of'} ${path} not supported`,
  );
}
