// elq(1), pinq(1), qail(1): what is new in $MAILDIR goes into $MAIL, then a mail reader takes over that
// knows only mbox files.

import { basename } from 'node:path';
import { isFault, Temporary } from '@q/fault';
import { execve, findProgram } from '@q/posix';
import type { Invocation } from '@q/proc';
import { maildir2mboxMain } from './maildir2mbox.ts';

/** The readers each of them runs: the first that is there. Alpine is what became of pine. */
const READERS = {
  elq: ['elm'],
  pinq: ['pine', 'alpine'],
  qail: ['Mail', 'mailx', 'mail'],
} as const;

/** Becomes the reader, with the arguments; a fault says why not. No mail is moved if there is no reader. */
export const elqMain = (invocation: Invocation) => withReader(READERS.elq, invocation);
export const pinqMain = (invocation: Invocation) => withReader(READERS.pinq, invocation);
export const qailMain = (invocation: Invocation) => withReader(READERS.qail, invocation);

async function withReader(names: readonly string[], invocation: Invocation): Promise<number> {
  const { args, env } = invocation;
  const reader = firstOf(names, env.PATH);
  await maildir2mboxMain(invocation);
  return execve(reader, [basename(reader), ...args], env);
}

function firstOf(names: readonly string[], path: string | undefined): string {
  for (const name of names) {
    try {
      return findProgram(name, path);
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }
  throw new Temporary(`no mail reader in PATH: ${names.join(' or ')}`);
}
