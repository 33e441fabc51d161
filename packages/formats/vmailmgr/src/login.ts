// From a login name to an account: which base user owns the domain, and which virtual user is meant. Reads
// host-wide files only, so that root can do it; the table itself is read as the base user (authenticate.ts).
//
//   login  = name [ separator domain ]        ; separator: the first character that is in `separators`
//
// Example: with "example.org:joe" in control/virtualdomains, me@example.org, me:example.org, joe-me and, on
// an address whose name is example.org, plain me are the virtual user "me" of joe.

import { hostname } from 'node:os';
import { asciiLower } from '@q/bytes';
import { type Control, openControl } from '@q/control';
import { Permanent } from '@q/fault';
import * as posix from '@q/posix';
import { argText } from '@q/proc';
import { isPrivateInstance, matchAssignment, openUsersCdb } from '@q/users';
import { BASE_USER_MAX, LOGIN_MAX } from './limits.ts';
import type { Settings } from './settings.ts';

/** checkvpw's exit code for a login that is refused. */
export const EXIT_LOGIN_REFUSED = 1;

/** The account that owns a domain. `home` is a path for Node. */
export interface BaseUser {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface Login {
  readonly base: BaseUser;
  /** The virtual user's name (latin1, lower case); '' when the base user itself logs in. */
  readonly virtualName: string;
  /** What stood before and after the separator, in lower case; the domain may come from the local host's name. */
  readonly name: string;
  readonly domain: string;
}

export interface LoginPlaces {
  /** Global settings: separators and qmail-root count. */
  readonly settings: Settings;
  /** TCPLOCALHOST: the name of the address the client connected to. */
  readonly localHost?: string | undefined;
  readonly getpwnam?: (name: string) => Omit<BaseUser, 'user'> | undefined;
  readonly hostname?: () => string;
  readonly euid?: number;
}

/** A refused login: Permanent with exit code 1. The text is VMailMgr's and tells a client nothing. */
export function refused(text: string): Permanent {
  return new Permanent(text, { exitCode: EXIT_LOGIN_REFUSED });
}

/**
 * Finds the account that a login name (latin1) means. Throws `refused` when there is none, Temporary when
 * that cannot be found out. root is nobody's base user: its password opens more than a mailbox.
 */
export function resolveLogin(login: string, places: LoginPlaces): Login {
  if (login.length > LOGIN_MAX || login.includes('\0')) throw refused(UNKNOWN);
  const { name, domain } = splitLogin(asciiLower(login), places);
  const root = argText(places.settings.directory('qmail-root'));
  const account = qualify(name, domain, openControl(root));
  const found = findBaseUser(account, root, places);
  if (found === undefined || found.base.uid === 0) throw refused(UNKNOWN);
  return { ...found, name, domain };
}

const UNKNOWN = 'Invalid or unknown base user or domain';

/** The name under which the account database knows a user: `name` itself in a local domain, else `owner-name`. */
export function qualify(name: string, domain: string, control: Control): string {
  if (control.list('locals')?.some((local) => asciiLower(local) === asciiLower(domain)))
    return name;
  const owner = findOwner(domain, control);
  return owner === undefined ? name : name === '' ? owner : `${owner}-${name}`;
}

/**
 * The owner of a virtual domain: the entry of the domain itself, else of `.rest` after each of its dots.
 * Unlike in qmail an entry without an owner does not end the search.
 */
export function findOwner(domain: string, control: Control): string | undefined {
  const owners = control.map('virtualdomains');
  if (owners === undefined || domain === '') return undefined;
  for (let at = 0; at >= 0; at = domain.indexOf('.', at + 1)) {
    const owner = owners.get(domain.slice(at));
    if (owner) return owner;
  }
  return undefined;
}

// --- internal ---

type Found = Pick<Login, 'base' | 'virtualName'>;

function splitLogin(login: string, places: LoginPlaces): { name: string; domain: string } {
  const separators = places.settings.string('separators');
  const at = [...login].findIndex((character) => separators.includes(character));
  const name = at < 0 ? login : login.slice(0, at);
  const local = places.localHost || (places.hostname ?? hostname)();
  const domain = at < 0 ? asciiLower(local) : login.slice(at + 1);
  if (name === '') throw refused('Empty user name');
  if (domain === '') throw refused('Empty domain name');
  return { name, domain };
}

/**
 * On a host the accounts come first, as in VMailMgr, then users/cdb. In a private instance users/cdb comes
 * first and only the instance's own account counts: other accounts that happen to bear a domain owner's name
 * have nothing to do with it.
 */
export function findBaseUser(
  account: string,
  root: string,
  places: Pick<LoginPlaces, 'getpwnam' | 'euid'>,
): Found | undefined {
  const euid = places.euid ?? process.geteuid?.() ?? 0;
  const getpwnam = places.getpwnam ?? posix.getpwnam;
  if (!isPrivateInstance(root, euid))
    return fromAccounts(account, getpwnam) ?? fromAssignments(account, root);
  const own = (name: string) => {
    const found = getpwnam(name);
    return found?.uid === euid ? found : undefined;
  };
  return fromAssignments(account, root) ?? fromAccounts(account, own);
}

/** The whole name, then what is before its last "-", and so on: the first that is an account. */
function fromAccounts(
  account: string,
  getpwnam: NonNullable<LoginPlaces['getpwnam']>,
): Found | undefined {
  for (let end = account.length; end > 0; end = account.lastIndexOf('-', end - 1)) {
    const user = account.slice(0, end);
    if (end > BASE_USER_MAX || !/^[\x21-\x7e]+$/.test(user)) continue;
    const found = getpwnam(user);
    if (found === undefined) continue;
    const { uid, gid, home } = found;
    return { base: { user, uid, gid, home }, virtualName: account.slice(end + 1) };
  }
  return undefined;
}

/** An assignment of users/cdb, but not the one that catches all: that is the alias user's. */
function fromAssignments(account: string, root: string): Found | undefined {
  const cdb = openUsersCdb(root);
  if (cdb === undefined) return undefined;
  try {
    const match = matchAssignment(cdb, account);
    if (match === undefined || match.prefix === '') return undefined;
    const { user, uid, gid, home, dash, ext } = match.assignment;
    if (uid === 0) return undefined;
    return { base: { user, uid, gid, home: argText(home) }, virtualName: dash === '' ? '' : ext };
  } finally {
    cdb.close();
  }
}
