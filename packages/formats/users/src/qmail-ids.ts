// The users and groups between which the parts of the mail system are divided, as numbers.
//
// A private instance is a tree that belongs wholly to the one ordinary user who runs it; there every role
// is that user. On a real host HOME belongs to root, and the roles are accounts looked up by name at run
// time, so that packages need no numbers compiled in.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Temporary } from '@q/fault';
import * as posix from '@q/posix';

/** uids by user name, then gids by group name. */
export interface QmailIds {
  /** True in a private instance: all ids are the caller's own. */
  readonly single: boolean;
  readonly alias: number;
  readonly qmaild: number;
  readonly qmaill: number;
  readonly qmailp: number;
  readonly qmailq: number;
  readonly qmailr: number;
  readonly qmails: number;
  readonly qmail: number;
  readonly nofiles: number;
}

export interface IdLookup {
  getpwnam(name: string): { readonly uid: number } | undefined;
  getgrnam(name: string): { readonly gid: number } | undefined;
  egid(): number;
}

const SYSTEM: IdLookup = {
  getpwnam: posix.getpwnam,
  getgrnam: posix.getgrnam,
  egid: () => process.getegid?.() ?? 0,
};

/**
 * The ids for the installation at `home`, seen by a process of user `euid`. Throws Temporary when an
 * account is missing.
 */
export function qmailIds(
  home: string,
  euid: number = process.geteuid?.() ?? 0,
  lookup: IdLookup = SYSTEM,
): QmailIds {
  if (isPrivateInstance(home, euid)) {
    const gid = lookup.egid();
    return make(
      true,
      () => euid,
      () => gid,
    );
  }
  return make(
    false,
    (name) => lookup.getpwnam(name)?.uid ?? missing('user', name),
    (name) => lookup.getgrnam(name)?.gid ?? missing('group', name),
  );
}

/**
 * True when `home` and its queue both belong to `euid`, who is not root. The queue alone would not do: on
 * a real host it belongs to qmailq, whose processes would take the installation for their own.
 */
export function isPrivateInstance(home: string, euid: number): boolean {
  return euid !== 0 && [home, join(home, 'queue')].every((path) => ownerOf(path) === euid);
}

function make(
  single: boolean,
  uid: (name: string) => number,
  gid: (name: string) => number,
): QmailIds {
  return {
    single,
    alias: uid('alias'),
    qmaild: uid('qmaild'),
    qmaill: uid('qmaill'),
    qmailp: uid('qmailp'),
    qmailq: uid('qmailq'),
    qmailr: uid('qmailr'),
    qmails: uid('qmails'),
    qmail: gid('qmail'),
    nofiles: gid('nofiles'),
  };
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}

function missing(kind: string, name: string): never {
  throw new Temporary(`there is no ${kind} ${name}: run qmail-ts setup or create it`);
}
