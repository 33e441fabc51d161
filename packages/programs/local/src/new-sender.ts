// The envelope sender of forwarded copies: with a .qmail...-owner file, bounces go to the list's owner
// instead of the author. dot-qmail(5).

import { statSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { ownerNames } from '@q/dotqmail';
import { errnoOf, errnoText, isTemporaryErrno, Temporary } from '@q/fault';
import type { LocalJob } from './job.ts';

/**
 * NEWSENDER. With a -owner-default file too, each recipient's bounces come back to an address of its own
 * (VERP). Bounces keep their sender. Looks in the current directory; throws Temporary.
 */
export function newSenderOf(job: LocalJob): string {
  const { sender, local, domain } = job;
  if (sender === '' || sender === '#@[]') return sender;
  const { owner, ownerDefault } = ownerNames(job.dash, job.ext);
  if (!exists(owner)) return sender;
  if (exists(ownerDefault)) return `${local}-owner-@${domain}-@[]`;
  return `${local}-owner@${domain}`;
}

function exists(name: string): boolean {
  try {
    return statSync(bytesOf(name), { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    if (!isTemporaryErrno(errnoOf(cause) ?? 'EIO')) return false;
    throw new Temporary(`Unable to open ${name}: ${errnoText(cause)}. (#4.3.0)`, { cause });
  }
}
