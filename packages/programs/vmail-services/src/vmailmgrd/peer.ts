// Who the client is, as the kernel knows it: unix(7), SO_PEERCRED. It is who connected; where another
// program forwards connections to us, it is that program.

import { fstatSync } from 'node:fs';
import { peerCredentials } from '@q/posix';

/** The uid at the other end of a unix socket; undefined for any other descriptor. */
export function peerUid(fd: number): number | undefined {
  try {
    if (!fstatSync(fd).isSocket()) return undefined;
    const { pid, uid } = peerCredentials(fd);
    // Of an internet socket the kernel knows nobody, and says so with pid 0.
    return pid > 0 ? uid : undefined;
  } catch {
    return undefined;
  }
}
