// Hearing of changes that anybody makes to an account's names and annotations, without knowing which: whoever hears compares.
// By the kernel's watches, which see no changes that another host makes on NFS.

import { watch } from 'node:fs';
import { faultOf } from '@q/fault';
import { metadataFile } from './metadata.ts';
import { SPECIAL_USE_FILE } from './special-use.ts';
import { SUBSCRIPTIONS_FILE } from './subscriptions.ts';

/**
 * `heard` is told when folders of the Maildir at `root` may have come, gone or got other names, or subscriptions or special uses
 * changed; not of messages and quota. Gives the end of it. Throws a fault whose cause has code ENOSPC or EMFILE when there are no
 * more watches.
 */
export function watchAccount(root: string, heard: () => void): () => void {
  const files = [SUBSCRIPTIONS_FILE, SPECIAL_USE_FILE];
  return watchDirectory(root, (name) => {
    if (name.startsWith('.') || files.includes(name)) heard();
  });
}

/** The same for the annotations in the folder at `dir`, or with `server` for those of the server, in the Maildir. */
export function watchAnnotations(dir: string, server: boolean, heard: () => void): () => void {
  const file = metadataFile('', server);
  return watchDirectory(dir, (name) => {
    if (name === file) heard();
  });
}

function watchDirectory(dir: string, heard: (name: string) => void): () => void {
  try {
    const watcher = watch(dir, { persistent: false, encoding: 'latin1' as BufferEncoding });
    // Without a name: something was lost on the way.
    watcher.on('change', (_kind, name) => heard(name === null ? '.' : String(name)));
    // The directory is gone: who needs it will find that.
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch (error) {
    throw faultOf(error, `unable to watch ${dir}`);
  }
}
