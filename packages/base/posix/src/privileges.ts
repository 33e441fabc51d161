// Giving rights up for good: groups, then gid, then uid, then proof. Any other order leaves something behind.

import { Permanent, Temporary } from '@q/fault';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /**
   * Supplementary groups: a list, or the name of an account whose groups of the group database are
   * taken (initgroups(3)). Default: the gid alone.
   */
  readonly groups?: readonly number[] | string;
}

/**
 * Becomes `identity` irrevocably; throws if the kernel says otherwise afterwards. uid 0 is refused.
 * Called by a process that already is that user and is not root, it only checks.
 */
export function dropPrivileges(identity: Identity): void {
  const { uid, gid } = identity;
  if (uid === 0) throw new Permanent('will not run as root');
  if (process.geteuid?.() !== 0) {
    if (process.getuid?.() === uid && process.geteuid?.() === uid) return;
    throw new Permanent(`only root can become uid ${uid}`);
  }
  try {
    if (typeof identity.groups === 'string') initgroups(identity.groups, gid);
    else process.setgroups?.([...(identity.groups ?? [gid])]);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (error) {
    throw new Temporary(`unable to become uid ${uid}`, { cause: error });
  }
  verify(uid, gid);
}

function verify(uid: number, gid: number): void {
  const ids = [process.getuid?.(), process.geteuid?.(), process.getgid?.(), process.getegid?.()];
  const wanted = [uid, uid, gid, gid];
  if (ids.some((id, i) => id !== wanted[i])) throw new Temporary('rights were not given up');
  try {
    process.setuid?.(0);
  } catch {
    return; // refused, as it must be
  }
  throw new Temporary('rights could be taken back');
}

/** initgroups(3), which Node has and its type declarations lack. */
function initgroups(account: string, gid: number): void {
  const native = process as unknown as { initgroups(user: string, extraGroup: number): void };
  native.initgroups(account, gid);
}
