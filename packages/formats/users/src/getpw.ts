// Finds the account for a local part in the system's user database, where users/cdb says nothing.
// qmail-getpw(8).

import { statSync } from 'node:fs';
import { asciiLower } from '@q/bytes';
import { errnoOf, errnoText, isTemporaryErrno, Temporary } from '@q/fault';
import * as posix from '@q/posix';
import type { Assignment } from './assignment.ts';
import { ACCOUNT_NAME_MAX, BREAK } from './limits.ts';

/** Exit codes of qmail-getpw, which qmail-lspawn turns into report texts. */
export const EXIT_HOME_TROUBLE = 115;
export const EXIT_NO_ALIAS = 116;
export const EXIT_SYSTEM_TROUBLE = 118;

/** What the rule asks of the host; both throw or return as the named functions do. */
export interface AccountLookup {
  getpwnam(name: string): Pick<posix.Passwd, 'name' | 'uid' | 'gid' | 'home'> | undefined;
  /** The owner of a directory; throws a system error. */
  ownerOf(path: string): number;
}

/**
 * The account for a local part: the whole of it, else its longest beginning before a "-", that is an
 * account with uid other than 0 which owns its home directory; else the alias user. Throws Temporary with
 * qmail-getpw's exit codes: 115 the home cannot be looked at now, 116 no alias user, 118 look-up trouble.
 */
export function getpwRule(
  local: string,
  lookup: AccountLookup = { getpwnam: posix.getpwnam, ownerOf: (path) => statSync(path).uid },
): Assignment {
  for (let end = local.length; end >= 0; end--) {
    if (end < local.length && local[end] !== BREAK) continue;
    if (end === 0 || end > ACCOUNT_NAME_MAX) continue;
    const account = find(asciiLower(local.slice(0, end)), lookup);
    if (account === undefined || account.uid === 0) continue;
    if (!ownsHome(account, lookup)) continue;
    const exact = end === local.length;
    return assign(account, exact ? '' : BREAK, exact ? '' : local.slice(end + 1));
  }
  const alias = find('alias', lookup);
  if (alias === undefined)
    throw new Temporary('unable to find alias user', { exitCode: EXIT_NO_ALIAS });
  return assign(alias, BREAK, local);
}

type Account = NonNullable<ReturnType<AccountLookup['getpwnam']>>;

function find(name: string, lookup: AccountLookup): Account | undefined {
  // Account names are printable ASCII; anything else would reach the name service re-encoded.
  if (!/^[\x21-\x7e]+$/.test(name)) return undefined;
  try {
    return lookup.getpwnam(name);
  } catch (error) {
    throw new Temporary((error as Error).message, { cause: error, exitCode: EXIT_SYSTEM_TROUBLE });
  }
}

function ownsHome(account: Account, lookup: AccountLookup): boolean {
  try {
    return lookup.ownerOf(account.home) === account.uid;
  } catch (error) {
    const code = errnoOf(error);
    if (code !== undefined && !isTemporaryErrno(code)) return false;
    throw new Temporary(`unable to look at the home of ${account.name}: ${errnoText(error)}`, {
      cause: error,
      exitCode: EXIT_HOME_TROUBLE,
    });
  }
}

function assign(account: Account, dash: string, ext: string): Assignment {
  const home = Buffer.from(account.home, 'utf8').toString('latin1');
  return { user: account.name, uid: account.uid, gid: account.gid, home, dash, ext };
}
