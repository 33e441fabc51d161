// Becomes the user whose mail this is: groups, gid, uid, home. After this nothing of root is left.

import { faultOf, Temporary } from '@q/fault';
import { dropPrivileges, getpwnam } from '@q/posix';
import type { BaseUser } from './login.ts';

/**
 * Drops to `base` and enters its home. `shell` is the account's, for the environment. Throws Temporary,
 * with whatever was done by then: the process must end.
 */
export function become(base: BaseUser): void {
  const { uid, gid, user, home } = base;
  try {
    // An assignment of users/cdb may bear any name: only an account of that uid brings its groups along.
    const account = getpwnam(user);
    dropPrivileges({ uid, gid, ...(account?.uid === uid && { groups: user }) });
    process.chdir(home);
  } catch (error) {
    const { message } = faultOf(error, 'unable to change to home directory');
    throw new Temporary(`Bad user data in password file: ${message}`, { cause: error });
  }
}

/** The login shell of an account; /bin/sh where it has none. Asked for before rights are dropped. */
export function shellOf(base: BaseUser): string {
  const account = getpwnam(base.user);
  return (account?.uid === base.uid && account.shell) || '/bin/sh';
}
