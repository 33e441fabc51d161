// qmail-local as a worker: the deliveries of one user and home, one after the other, and those to maildirs that come
// together, together. What they wait for then is shared: fsyncs of their files run side by side, and one fsync of
// a directory serves all that have put a name into it before it began.

import { bytesOf, textOf } from '@q/bytes';
import { DirectorySync, fsyncDir, fsyncFd } from '@q/fsx';
import type { DeliveryOptions } from '@q/maildir';
import type { Invocation } from '@q/proc';
import { type CallFiles, NeedsFiles, serveCalls } from '@q/warm';
import { NotBegun, type Surroundings } from './surroundings.ts';
import { WarmPrograms } from './warm-program.ts';

type Attempt = (invocation: Invocation, around: Surroundings) => Promise<number>;

/** Serves until qmail-lspawn is gone; resolves to the exit code. */
export async function serveDeliveries(invocation: Invocation, attempt: Attempt): Promise<number> {
  const warmPrograms = new WarmPrograms(invocation);
  const together = sharedSyncs();
  const surroundings = (files: CallFiles): Surroundings => ({
    files,
    way: files.alone ? { warmPrograms } : { warmPrograms, syncs: together },
    mayBegin: (maildirOnly) => {
      if (maildirOnly) files.plainWouldDo();
      else if (files.plain) throw new NotBegun();
    },
  });
  const main = async (call: Invocation, files: CallFiles) => {
    try {
      return await attempt(call, surroundings(files));
    } catch (error) {
      throw error instanceof NotBegun ? new NeedsFiles() : error;
    }
  };
  try {
    return await serveCalls(invocation, main);
  } finally {
    warmPrograms.close();
  }
}

/** For several deliveries at a time in one directory, the home: a maildir's name means one and the same to them. */
function sharedSyncs(): NonNullable<DeliveryOptions['files']> {
  const directories = new DirectorySync((name) => fsyncDir(bytesOf(name)));
  return {
    fsyncFd,
    fsyncDir: (path) => directories.sync(typeof path === 'string' ? path : textOf(path)),
  };
}
