// The commands of vmailmgrd: their arguments, and who may give them.
//
//   anyone  proves nothing, or the answer is the proof
//   user    the virtual user's password, or the administrator's
//   admin   the system password of the domain's owner; or being that owner, or root, at the other end of the
//           socket, with an empty password

import type { Request } from '@q/vmailmgrd';

export type Who = 'anyone' | 'user' | 'admin';

interface Command {
  readonly who: Who | ((args: readonly string[]) => Who);
  /** The arguments, in order; a name in SECRET does not come into the log. */
  readonly names: readonly string[];
  /** Any number more of these may follow. */
  readonly more?: string;
  /** How many of `names` may be left out at the end. */
  readonly optional?: number;
}

/** An attribute's own user may change these: password, forwards, mailbox enabled, personal. */
const OWN_ATTRIBUTES = new Set(['1', '2', '8', '9']);
export const PASSWORD_ATTRIBUTE = '1';

const COMMANDS: Readonly<Record<string, Command>> = {
  check: { who: 'anyone', names: ['domain', 'user', 'password'] },
  lookup: { who: 'user', names: ['domain', 'user', 'password'] },
  listdomain: { who: 'admin', names: ['domain', 'adminpass'] },
  adduser2: {
    who: 'admin',
    names: ['domain', 'user', 'adminpass', 'newpass', 'directory'],
    more: 'forward',
  },
  adduser3: {
    who: 'admin',
    names: ['domain', 'user', 'adminpass', 'newpass', 'directory', 'mailbox'],
    more: 'forward',
  },
  deluser: { who: 'admin', names: ['domain', 'user', 'adminpass'] },
  chattr: {
    who: (args) => (OWN_ATTRIBUTES.has(args[3] ?? '') ? 'user' : 'admin'),
    names: ['domain', 'user', 'password', 'attribute', 'value'],
    more: 'value',
  },
  autoresponse: {
    who: 'user',
    names: ['domain', 'user', 'password', 'action', 'message'],
    optional: 1,
  },
  stat: { who: 'admin', names: ['domain', 'user', 'adminpass'] },
};

const SECRET = new Set(['password', 'adminpass', 'newpass', 'message']);

/** The request makes no sense; reply code 1. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/** The command's row. Throws BadRequest when there is none, or the arguments are too few or too many. */
export function commandOf({ command, args }: Request): Command {
  const row = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (row === undefined) throw new BadRequest('Invalid or unknown command');
  const { names, more, optional = 0 } = row;
  if (args.length < names.length - optional || (args.length > names.length && more === undefined))
    throw new BadRequest(`Incorrect number of parameters to command ${command}`);
  return row;
}

/** Who may give this command with these arguments. */
export function whoMay(row: Command, args: readonly string[]): Who {
  return typeof row.who === 'function' ? row.who(args) : row.who;
}

/**
 * The domain whose passwords a request may guess; undefined when it brings none. Any user's place takes the owner's
 * password as well, and any name will do: so it is the domain that is under attack, whoever is named.
 */
export function guessedDomain({ command, args }: Request): string | undefined {
  const row = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  const at = row?.names.findIndex((name) => name === 'password' || name === 'adminpass') ?? -1;
  const password = at < 0 ? undefined : args[at];
  return password === undefined || password === '' ? undefined : args[0];
}

/** The request as it stands in the log. Of a command nobody knows, no argument is shown: any may be a secret. */
export function loggable({ command, args }: Request): string {
  const row = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (row === undefined) return command;
  const shown = args.map((arg, i) => {
    const name = row.names[i] ?? row.more ?? 'argument';
    if (command === 'chattr' && name === 'value' && args[3] === PASSWORD_ATTRIBUTE)
      return '<newpass>';
    return SECRET.has(name) || name === 'argument' ? `<${name}>` : arg;
  });
  return [command, ...shown].join(' ');
}
