// A forwarding database: a cdb that fastforward reads, the C one's byte for byte. setforward(1), fastforward(1).
//
//   key ":" target    data commands         ; see command.ts
//   key "?" target    data owner            ; the envelope sender of what goes through the target
//   target = local "@" host / "@" host / local "@"            ; in lower case; the last is "at any host"
//
// Example: ":root@" has "&alice@example.org NUL"; "?staff@" has "owner-staff@example.org". Of several records with
// one key the first counts.

import { asciiLower } from '@q/bytes';
import type { Cdb, CdbEntry } from '@q/cdb';
import { Temporary } from '@q/fault';
import { type Command, decodeCommands, encodeCommands } from './command.ts';

/** The record of a target's commands, or none if there are no commands. */
export function commandEntries(target: string, commands: readonly Command[]): CdbEntry[] {
  return commands.length === 0 ? [] : [[`:${asciiLower(target)}`, encodeCommands(commands)]];
}

export function ownerEntry(target: string, owner: string): CdbEntry {
  return [`?${asciiLower(target)}`, owner];
}

/** The commands of exactly this target; undefined when it has none. Throws Temporary for a damaged table. */
export function findCommands(table: Cdb, target: string): Command[] | undefined {
  const data = table.get(`:${asciiLower(target)}`);
  if (data === undefined) return undefined;
  const commands = decodeCommands(data, { onlyLists: false });
  if (commands === undefined) throw new Temporary(`bad instructions for ${target}`);
  return commands;
}

/** The owner of exactly this target. */
export function findOwner(table: Cdb, target: string): string | undefined {
  return table.get(`?${asciiLower(target)}`)?.toString('latin1');
}

/** The targets that speak of an incoming address, in the order of precedence. */
export function targetsOf(address: string): string[] {
  const at = address.lastIndexOf('@');
  return at < 0 ? [address] : [address, address.slice(at), address.slice(0, at + 1)];
}
