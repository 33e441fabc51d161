// bounce/N: what could not be delivered, gathered until the message is finished.
//
// A recipient is marked done only after its paragraph is durable: file and, when new, directory entry.
// A crash before that leaves the recipient unmarked: it is tried again. A crash between the two leaves a
// paragraph and an unmarked recipient: the bounce may name it twice, or name one that was delivered in the
// end. A crash in the middle of the append can leave a torn paragraph: the next one goes on after it.

import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bytesOf } from '@q/bytes';
import { type DirectorySync, fsyncFd } from '@q/fsx';
import type { Context } from './context.ts';
import { BOUNCE_RETRY } from './limits.ts';

export class BounceFiles {
  readonly #context: Context;
  readonly #directories: DirectorySync;
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(context: Context, directories: DirectorySync) {
    this.#context = context;
    this.#directories = directories;
  }

  /**
   * Resolves to true when the paragraph is durable. On an error it is tried again every 10 seconds; to
   * false when the process is to end before it worked: then the recipient must stay unmarked.
   */
  append(id: string, paragraph: string): Promise<boolean> {
    // One after the other: a failed append cuts the file back, and must not cut off another's paragraph.
    const before = this.#last.get(id) ?? Promise.resolve();
    const done = before.then(() => this.#appendUntilDone(id, paragraph));
    this.#last.set(id, done);
    return done.finally(() => {
      if (this.#last.get(id) === done) this.#last.delete(id);
    });
  }

  async #appendUntilDone(id: string, paragraph: string): Promise<boolean> {
    for (;;) {
      try {
        await this.#append(this.#context.paths.bounce(id), bytesOf(paragraph));
        return true;
      } catch {
        if (this.#context.stopping) return false;
        this.#context.log('alert: unable to append to bounce message; HELP! sleeping...');
        await sleep(BOUNCE_RETRY * 1000);
      }
    }
  }

  async #append(path: string, bytes: Buffer): Promise<void> {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
    try {
      const { size } = fstatSync(fd);
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
        await fsyncFd(fd);
      } catch (error) {
        ftruncateSync(fd, size);
        throw error;
      }
      if (size === 0) await this.#directories.sync(dirname(path));
    } finally {
      closeSync(fd);
    }
  }
}
