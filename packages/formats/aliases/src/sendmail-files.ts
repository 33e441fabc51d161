// /etc/aliases and :include: files, as the programs of a qmail host read them. newaliases(1), newinclude(1).
//
//   file  = *logical
//   logical = line *( ( SP / TAB ) line / empty )    ; a line that begins with a blank, or is empty, goes on
//   alias = target [ ":" ] recipients                ; recipients.ts
//
// Example: staff: ann, bob@example.org
//          owner-staff: ann              ; what goes through staff has owner-staff as its envelope sender

import { asciiLower } from '@q/bytes';
import type { CdbEntry } from '@q/cdb';
import { Permanent } from '@q/fault';
import { plainText } from '@q/rfc822';
import { type Command, parseCommand } from './command.ts';
import { INSTRUCTION_MAX } from './limits.ts';
import { type Hosts, qualify } from './qualify.ts';
import { isLocal, parseRecipients, type Recipient } from './recipients.ts';
import { commandEntries, ownerEntry } from './table.ts';

const OWNER = 'owner-';

/** Everything in these files that cannot be used is 111: nobody's mail is lost while somebody mends it. */
const SOFT = { exitCode: 111 };

/** The records of a forwarding database for the text of /etc/aliases. Throws Permanent with exit code 111. */
export function* aliasEntries(text: string, hosts: Hosts): Generator<CdbEntry> {
  for (const line of logicalLines(text)) {
    const recipients = parseRecipients(line);
    const target = recipients?.pop();
    if (recipients === undefined || recipients.length === 0 || target === undefined)
      throw unparsable(line);
    const name = targetOf(target);
    if (name === undefined) throw unparsable(line);
    if (asciiLower(name).startsWith(OWNER) && name.length > OWNER.length + 1)
      yield ownerEntry(name.slice(OWNER.length), ownerOf(target, hosts));
    yield* commandEntries(
      name,
      recipients.map((recipient) => aliasCommand(recipient, hosts)),
    );
  }
}

/** The commands of a mailing list for the text of an :include: file. Throws Permanent with exit code 111. */
export function* includeCommands(text: string, hosts: Hosts): Generator<Command> {
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const recipients = parseRecipients(line);
    if (recipients === undefined) throw unparsable(line);
    for (const recipient of recipients) {
      if (recipient.kind === 'program')
        throw unsupported('program delivery', `|${recipient.command}`);
      if (isNobody(recipient)) continue;
      yield aliasCommand(recipient, hosts);
    }
  }
}

function isNobody(recipient: Recipient): boolean {
  return recipient.kind === 'address' && recipient.tokens.length === 0;
}

/** Comments are logical lines: what goes on from one is comment too. */
function* logicalLines(text: string): Generator<string> {
  let current = '';
  for (const line of text.split('\n')) {
    if (line === '' || line === '\r' || /^[ \t]/.test(line)) {
      current += `\n${line}`;
      if (current.length > INSTRUCTION_MAX) throw new Permanent('line is too long', SOFT);
      continue;
    }
    if (meansSomething(current)) yield current;
    current = line;
  }
  if (meansSomething(current)) yield current;
}

function meansSomething(line: string): boolean {
  return !line.startsWith('#') && line.trim() !== '';
}

/** "root" is root at any host. Undefined for what is no target. */
function targetOf(target: Recipient): string | undefined {
  if (target.kind !== 'address') return undefined;
  const name = plainText(target.tokens);
  if (name === '' || name === '@') return undefined;
  if (isLocal(target.tokens)) return `${name}@`;
  return name.endsWith('@') ? undefined : name;
}

function ownerOf(target: Recipient, hosts: Hosts): string {
  return target.kind === 'address' ? qualify(target.tokens, hosts) : '';
}

function aliasCommand(recipient: Recipient, hosts: Hosts): Command {
  switch (recipient.kind) {
    case 'address': {
      const address = qualify(recipient.tokens, hosts);
      return permitted(() => parseCommand(`&${address}`));
    }
    case 'program':
      return { kind: 'program', command: recipient.command, withLines: true };
    case 'include':
      return { kind: 'list', path: listPath(recipient.path) };
    case 'file':
      throw unsupported('file delivery', recipient.path);
  }
}

/** The binary list that newinclude makes of a file; a relative name says that it is one. */
function listPath(path: string): string {
  if (path === '') throw new Permanent('empty :include: filenames not permitted', SOFT);
  const binary = path.endsWith('.bin') ? path : `${path}.bin`;
  return /^[/.]/.test(binary) ? binary : `./${binary}`;
}

function permitted(parse: () => Command): Command {
  try {
    return parse();
  } catch (error) {
    throw error instanceof Permanent ? new Permanent(error.message, SOFT) : error;
  }
}

function unsupported(what: string, name: string): Permanent {
  return new Permanent(`${what} ${name} not supported`, SOFT);
}

function unparsable(line: string): Permanent {
  const shown = line.length > 200 ? `${line.slice(0, 200)}...` : line;
  return new Permanent(`unable to parse this line: ${shown}`, SOFT);
}
