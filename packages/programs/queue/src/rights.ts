// Who may write the queue: its owner, qmailq, or the one user of a private instance. Linux ignores the
// set-uid bit on scripts, so anyone else goes through the queue socket.

import { statSync } from 'node:fs';
import { errnoText, Temporary } from '@q/fault';
import type { InvokerIds } from '@q/message';
import { dropPrivileges } from '@q/posix';
import { QueueExit } from '@q/queue-socket';
import { qmailIds } from '@q/users';

const UMASK = 0o033;

export interface Rights {
  /** The real uid that this process was started with: whose message it is. */
  readonly uid: number;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** True when this process, from now on, is the queue's owner. */
  readonly direct: boolean;
}

/**
 * Goes to `home`; root becomes the queue's owner, for good. Throws Temporary with exit code 61 or 62
 * where there is no home, no queue, or no way to become its owner.
 */
export function takeRights(home: string): Rights {
  const uid = process.getuid?.() ?? 0;
  process.umask(UMASK);
  attempt(QueueExit.NO_HOME, 'unable to switch to home directory', () => process.chdir(home));
  const owner = attempt(QueueExit.NO_QUEUE_DIRECTORY, 'unable to find queue directory', () =>
    statSync('queue'),
  );
  if (process.geteuid?.() === 0) {
    attempt(QueueExit.NO_QUEUE_DIRECTORY, "unable to become the queue's owner", () =>
      dropPrivileges({ uid: owner.uid, gid: owner.gid }),
    );
  }
  return { uid, owner, direct: process.geteuid?.() === owner.uid };
}

/**
 * The users that a Received line names. Trouble in the user database costs the names, never the message.
 * To be called in QMAILHOME, as the queue's owner.
 */
export function invokerIds(warn: (text: string) => void = () => {}): InvokerIds {
  try {
    return qmailIds('.');
  } catch (error) {
    warn(`unable to look up qmail's users: ${errnoText(error)}`);
    return { single: true, alias: -1, qmaild: -1, qmails: -1 };
  }
}

function attempt<T>(exitCode: number, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Temporary(`${what}: ${errnoText(error)}`, { cause: error, exitCode });
  }
}
