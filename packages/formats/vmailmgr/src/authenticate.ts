// Proves who logs in, in two halves: what needs root (the shadow file) and what must not be root (reading a
// table that belongs to the base user, who can put anything in its place).

import { join } from 'node:path';
import * as posix from '@q/posix';
import { argText } from '@q/proc';
import { verifyDigest } from './digest.ts';
import { type Login, type LoginPlaces, refused, resolveLogin } from './login.ts';
import { isBarred, verifyPasswordAsync } from './password.ts';
import { UNLIMITED, type VirtualUser } from './record.ts';
import { isAuthMessage, verifyScram } from './scram.ts';
import { openSettings, type Settings } from './settings.ts';
import { openTable, type Table } from './table.ts';

/** The table of the base user whose home this is, by the setting password-file. */
export function tablePath(home: string, settings: Settings): string {
  return join(home, `${argText(settings.string('password-file'))}.cdb`);
}

/** Opens it; the settings also say what records of the oldest form leave open. */
export function openUserTable(home: string, settings: Settings): Table {
  return openTable(tablePath(home, settings), userDefaults(settings, UNLIMITED));
}

/** A new record by the settings: no mailbox, no password, no forwards. `now` in seconds since 1970. */
export function userDefaults(
  settings: Settings,
  now: number = Math.floor(Date.now() / 1000),
): VirtualUser {
  return {
    password: '*',
    directory: '',
    forwards: [],
    personal: '',
    hardQuota: settings.number('default-hardquota'),
    softQuota: settings.number('default-softquota'),
    messageSize: settings.number('default-msgsize'),
    messageCount: settings.number('default-msgcount'),
    created: now === UNLIMITED ? 0 : now,
    expiry: now + settings.number('default-expiry'),
    hasMailbox: false,
    mailboxEnabled: true,
  };
}

/**
 * The record of the virtual user who proved to know the password. Run as the base user. Throws `refused`
 * with VMailMgr's texts, Temporary when the table cannot be read. A disabled mailbox still lets its owner
 * in: what is there remains readable. `now` in seconds since 1970.
 */
export async function authenticateVirtual(
  table: Table,
  name: string,
  password: Uint8Array,
  now?: number,
): Promise<VirtualUser> {
  return (await proveVirtual(table, name, { password, stamp: '' }, now)).user;
}

/** What a virtual user proved, and by which means. */
export interface Proved {
  readonly user: VirtualUser;
  /** The password itself was shown, and no digest or proof of it. */
  readonly shown: boolean;
  /** The server's own proof, in base64, for a client that proved the password by SCRAM. */
  readonly proof?: string;
}

/**
 * The same, where with a `stamp` that the client was shown `password` may also be the digest of APOP or CRAM-MD5, and
 * with what SCRAM's proofs are made over it can only be such a proof.
 */
export async function proveVirtual(
  table: Table,
  name: string,
  { password, stamp }: { readonly password: Uint8Array; readonly stamp: string },
  now: number = Math.floor(Date.now() / 1000),
): Promise<Proved> {
  const user = name === '' ? undefined : table.get(name);
  const known = user?.hasMailbox ? user : undefined;
  const means = await meansOf(password, stamp, known?.password);
  if (known === undefined) throw refused('Invalid or unknown virtual user');
  if (means === undefined) throw refused('Invalid or incorrect password');
  if (known.expiry < now) throw refused('Account has expired');
  return { user: known, ...means };
}

/**
 * The record of a virtual user whom somebody else has vouched for. Run as the base user. Throws as authenticateVirtual does; an
 * account that is barred is refused too.
 */
export function admitVirtual(
  table: Table,
  name: string,
  now: number = Math.floor(Date.now() / 1000),
): VirtualUser {
  const user = name === '' ? undefined : table.get(name);
  if (!user?.hasMailbox) throw refused('Invalid or unknown virtual user');
  if (isBarred(user.password)) throw refused('Account is locked');
  if (user.expiry < now) throw refused('Account has expired');
  return user;
}

async function meansOf(
  password: Uint8Array,
  stamp: string,
  stored: string | undefined,
): Promise<Omit<Proved, 'user'> | undefined> {
  if (isAuthMessage(stamp)) {
    const proof = await verifyScram(password, stamp, stored);
    if (proof !== undefined) return { shown: false, proof };
    // A wrong proof takes as long as a wrong password does, whatever is stored.
    await verifyPasswordAsync(password, undefined);
    return undefined;
  }
  if (verifyDigest(password, stamp, stored)) return { shown: false };
  return (await verifyPasswordAsync(password, stored)) ? { shown: true } : undefined;
}

interface ShadowEntry {
  readonly password: string;
  /** The first day it is no more, counted from 1970. */
  readonly expires?: number;
}

/** Where password hashes of system accounts come from. */
export interface SystemPasswords {
  getpwnam(name: string): ShadowEntry | undefined;
  getspnam(name: string): ShadowEntry | undefined;
}

/** Checks the password of a system account against the shadow or passwd entry. Run as root. Throws `refused`. */
export async function authenticateSystem(
  user: string,
  password: Uint8Array,
  accounts: SystemPasswords = posix,
): Promise<void> {
  const account = accounts.getpwnam(user);
  const stored = account && (accounts.getspnam(user)?.password ?? account.password);
  if (!(await verifyPasswordAsync(password, stored)))
    throw refused('Invalid or incorrect password');
}

/** A day of the shadow file, in seconds. */
const DAY = 86_400;

/**
 * Lets a system account in whom somebody else has vouched for, if it is there, not barred and not expired. Run as root. Throws
 * `refused`. `now` in seconds since 1970.
 */
export function admitSystem(
  user: string,
  accounts: SystemPasswords = posix,
  now: number = Math.floor(Date.now() / 1000),
): void {
  const account = accounts.getpwnam(user);
  if (account === undefined) throw refused('Invalid or unknown base user or domain');
  const { password, expires } = accounts.getspnam(user) ?? account;
  if (isBarred(password)) throw refused('Account is locked');
  if (expires !== undefined && expires * DAY <= now) throw refused('Account has expired');
}

export interface Authenticated extends Login {
  /** The record; undefined for the base user itself. */
  readonly virtual: VirtualUser | undefined;
}

/**
 * The whole way in one process, where no change of user is wanted: a private instance, or a process that
 * already is the base user.
 */
export async function authenticate(
  login: string,
  password: Uint8Array,
  places: LoginPlaces & { readonly env?: Readonly<Record<string, string | undefined>> },
): Promise<Authenticated> {
  const found = resolveLogin(login, places);
  if (found.virtualName === '') {
    await authenticateSystem(found.base.user, password);
    return { ...found, virtual: undefined };
  }
  const home = found.base.home;
  const table = openUserTable(home, openSettings({ home, env: places.env ?? {} }));
  try {
    const virtual = await authenticateVirtual(table, found.virtualName, password);
    return { ...found, virtual };
  } finally {
    table.close();
  }
}
