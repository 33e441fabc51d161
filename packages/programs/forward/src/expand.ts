// Where a message goes: the instructions of a forwarding database, followed through further targets and mailing lists.
// fastforward(1), setforward(1).
//
// A target is followed once, a list is read once, an address gets one copy. Targets and lists that lead to themselves
// therefore end. Wildcards (any user at a host, a user at any host) speak only of the incoming address.

import { type Command, findCommands, findOwner, targetsOf } from '@q/aliases';
import { asciiLower } from '@q/bytes';
import type { Cdb } from '@q/cdb';
import { Permanent, Temporary } from '@q/fault';
import { COMMANDS_MAX } from './limits.ts';

export interface Expansion {
  /** The owner of the incoming address, if it has one. */
  readonly owner: string | undefined;
  readonly programs: readonly Program[];
  readonly recipients: readonly string[];
}

type Program = Extract<Command, { kind: 'program' }>;

/**
 * What the table says of an address; undefined when it says nothing. Throws Temporary when a list cannot be read, and
 * Permanent for an alias that leads nowhere but to itself: that mail would be lost.
 */
export function expand(
  table: Cdb,
  address: string,
  readList: (path: string) => readonly Command[],
): Expansion | undefined {
  const targets = targetsOf(address);
  const start = targets.find((target) => findCommands(table, target) !== undefined);
  if (start === undefined) return undefined;
  const owner = targets.map((target) => findOwner(table, target)).find((o) => o !== undefined);
  const walk = new Walk(table, readList);
  walk.target(start);
  const { programs, recipients, lists } = walk;
  if (programs.length === 0 && recipients.size === 0 && lists.size === 0)
    throw new Permanent(`Sorry, the alias ${address} leads back to itself. (#5.4.6)`);
  return { owner, programs, recipients: [...recipients] };
}

class Walk {
  readonly programs: Program[] = [];
  readonly recipients = new Set<string>();
  readonly lists = new Set<string>();
  readonly #targets = new Set<string>();
  readonly #table: Cdb;
  readonly #readList: (path: string) => readonly Command[];
  #count = 0;

  constructor(table: Cdb, readList: (path: string) => readonly Command[]) {
    this.#table = table;
    this.#readList = readList;
  }

  /** Follows a target that is in the table, and all that it leads to. */
  target(start: string): void {
    this.#targets.add(asciiLower(start));
    const stack: Iterator<Command>[] = [(findCommands(this.#table, start) ?? []).values()];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { value, done } = top.next();
      if (done === true) {
        stack.pop();
        continue;
      }
      if (++this.#count > COMMANDS_MAX)
        throw new Temporary(`${start} leads to more than ${COMMANDS_MAX} instructions`);
      const further = this.#follow(value);
      if (further !== undefined) stack.push(further.values());
    }
  }

  /** Gives the commands that a command leads to. */
  #follow(command: Command): readonly Command[] | undefined {
    switch (command.kind) {
      case 'program':
        this.programs.push(command);
        return undefined;
      case 'list':
        if (this.lists.has(command.path)) return undefined;
        this.lists.add(command.path);
        return this.#readList(command.path);
      case 'forward':
        return this.#address(command.address);
    }
  }

  #address(address: string): readonly Command[] | undefined {
    const key = asciiLower(address);
    if (this.#targets.has(key)) return undefined;
    const commands = findCommands(this.#table, address);
    // What has an owner of its own is sent there, and comes back as an incoming address, to get that owner as sender.
    if (commands === undefined || findOwner(this.#table, address) !== undefined) {
      this.recipients.add(address);
      return undefined;
    }
    this.#targets.add(key);
    return commands;
  }
}
