// With whose rights a queue tool works: never root's. info, local, remote and bounce belong to qmails, and
// qmails may read mess and todo through its group; what else is to be removed, qmail-clean removes, as qmailq.
// So a root who looks at a queue full of hostile text is root only until the numbers of these users are known.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { qmailHome } from '@q/control';
import { Permanent } from '@q/fault';
import { dropPrivileges, getpwuid } from '@q/posix';
import { QueuePaths } from '@q/queue-files';
import { isPrivateInstance, type QmailIds, qmailIds } from '@q/users';
import { soft } from '../trouble.ts';

export interface QueueAccess {
  readonly home: string;
  readonly paths: QueuePaths;
  readonly ids: QmailIds;
}

/**
 * The queue of the installation `env` names. Rights are still the caller's: root of a real host stays root;
 * in a private instance root has become its owner, who is everybody there. Throws a fault (111) for trouble, and
 * for a caller who has no business in somebody else's instance.
 */
export function findQueue(env: Readonly<NodeJS.ProcessEnv>): QueueAccess {
  const home = qmailHome(env);
  const paths = new QueuePaths(join(home, 'queue'));
  const owner = ownerOf(home);
  const caller = process.geteuid?.();
  if (caller === 0) {
    if (owner.uid !== 0 && isPrivateInstance(home, owner.uid)) dropPrivileges(owner);
  } else if (owner.uid !== 0 && owner.uid !== caller) {
    // A real host's HOME is root's: this is the instance of an ordinary user, and there are no other accounts.
    throw refusal(home, getpwuid(owner.uid)?.name ?? `user ${owner.uid}`);
  }
  return { home, paths, ids: qmailIds(home) };
}

/** Goes on as qmails. Throws Permanent (111) for a caller who is neither that user nor root. */
export function becomeReader({ ids, home }: QueueAccess): void {
  if (ids.single) return;
  if (process.geteuid?.() === 0) dropPrivileges({ uid: ids.qmails, gid: ids.qmail });
  else if (process.geteuid?.() !== ids.qmails) {
    throw refusal(home, 'qmails');
  }
}

function refusal(home: string, owner: string): Permanent {
  return new Permanent(`only root and ${owner} may look into ${home}/queue`, { exitCode: 111 });
}

/** findQueue, then becomeReader: for tools that only look. */
export function openQueue(env: Readonly<NodeJS.ProcessEnv>): QueueAccess {
  const access = findQueue(env);
  becomeReader(access);
  return access;
}

function ownerOf(home: string): { uid: number; gid: number } {
  try {
    const { uid, gid } = statSync(home);
    return { uid, gid };
  } catch (error) {
    throw soft(error, `unable to switch to ${home}`);
  }
}
