// The sockets of a service: where one may be, and who may connect.
//
// Whoever can write the directory can put a socket of his own in our place, and is told the passwords of
// those who trust its name. /tmp is such a directory, sticky or not: before we start the name is free.

import { chownSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, errnoText, Permanent } from '@q/fault';
import { getgrnam } from '@q/posix';

const DIRECTORY_MODE = 0o755;
/** Clients that are neither us nor in the group have no business here unless the administrator says so. */
const DEFAULT_MODE = 0o660;

export interface SocketRights {
  readonly mode: number;
  readonly gid: number | undefined;
}

/** What --mode and --group ask for. Throws Permanent for what is neither. */
export function socketRights(options: Readonly<Record<string, unknown>>): SocketRights {
  const { mode, group } = options;
  if (mode !== undefined && !(typeof mode === 'string' && /^0?[0-7]{3}$/.test(mode)))
    throw new Permanent('--mode wants three octal digits');
  const known = typeof group === 'string' ? getgrnam(group) : undefined;
  if (group !== undefined && known === undefined)
    throw new Permanent(`no such group: ${String(group)}`);
  return {
    mode: mode === undefined ? DEFAULT_MODE : Number.parseInt(mode as string, 8),
    gid: known?.gid,
  };
}

/** Makes the directory of a socket if it is missing. Throws Permanent if others could write there. */
export function prepareDirectory(path: string): void {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { mode: DIRECTORY_MODE });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST')
      throw new Permanent(`unable to make ${directory}: ${errnoText(error)}`, { cause: error });
  }
  const { mode, uid } = statSync(directory);
  if ((mode & 0o002) !== 0 || (uid !== 0 && uid !== process.geteuid?.()))
    throw new Permanent(`${directory} is no safe place for a socket: others can write there`);
}

/** Gives the socket at `path` to the group. A link that came into its place is not followed. */
export function giveToGroup(path: string, gid: number): void {
  if (lstatSync(path).isSocket()) chownSync(path, -1, gid);
}
