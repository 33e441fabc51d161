// A queue tree of its own, messages put into it, and the real qmail-send and qmail-clean on it, with the
// test in the place of qmail-lspawn, qmail-rspawn and (for bounces) qmail-queue. For this package's tests.

import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pullTrigger } from '@q/fsx';
import { bundlePrograms } from '@q/proc/testing';
import { encodeIntd, makeQueueTree, QueuePaths } from '@q/queue-files';

/** Bundles executables from source into a directory of their own; gives that directory. */
export async function buildPrograms(names: readonly string[]): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'send-bin-'));
  chmodSync(dir, 0o755);
  await bundlePrograms(dir, names);
  return dir;
}

/** A program in the place of qmail-queue: keeps message and envelope as PID.mess and PID.env in $BOUNCES. */
const FAKE_QUEUE = `#!/bin/sh
exec 3<&1
cat >"$BOUNCES/$$.mess" && cat <&3 >"$BOUNCES/$$.tmp" && mv "$BOUNCES/$$.tmp" "$BOUNCES/$$.env"
`;

export class Instance {
  readonly home = mkdtempSync(join(tmpdir(), 'send-'));
  readonly queue = join(this.home, 'queue');
  readonly paths = new QueuePaths(this.queue);
  readonly bounces = join(this.home, 'bounces');
  readonly env: NodeJS.ProcessEnv;

  /** `owner`: uid and gid that everything belongs to; only root can give it away. */
  constructor(control: Readonly<Record<string, string>> = {}, owner?: number) {
    const uid = owner ?? process.getuid?.() ?? 0;
    const gid = owner ?? process.getgid?.() ?? 0;
    chmodSync(this.home, 0o755);
    chownSync(this.home, uid, gid);
    const single = owner === undefined;
    makeQueueTree(this.home, { single, qmailq: uid, qmailr: uid, qmails: uid, qmail: gid });
    mkdirSync(join(this.home, 'control'));
    mkdirSync(this.bounces);
    this.control('me', 'mail.test\n');
    for (const [name, text] of Object.entries(control)) this.control(name, text);
    const fakeQueue = join(this.home, 'fake-queue');
    writeFileSync(fakeQueue, FAKE_QUEUE, { mode: 0o755 });
    this.env = {
      PATH: process.env.PATH,
      QMAILHOME: this.home,
      QMAILQUEUE: fakeQueue,
      BOUNCES: this.bounces,
    };
  }

  control(name: string, text: string): void {
    writeFileSync(join(this.home, 'control', name), text);
  }

  /** Puts a message in as qmail-queue does, and gives its number. */
  enqueue(sender: string, recipients: readonly string[], body = 'Subject: x\n\nhello\n'): string {
    const pid = this.paths.pid(`${process.pid}.${Instance.#sequence++}`);
    const fd = openSync(pid, 'wx');
    const id = String(fstatSync(fd).ino);
    closeSync(fd);
    linkSync(pid, this.paths.mess(id));
    unlinkSync(pid);
    writeFileSync(this.paths.mess(id), body);
    writeFileSync(this.paths.intd(id), encodeIntd({ uid: 7, pid: 99, sender, recipients }));
    linkSync(this.paths.intd(id), this.paths.todo(id));
    pullTrigger(this.paths.lock('trigger'));
    return id;
  }

  static #sequence = 0;

  /** Every file of every message, as paths inside the queue. */
  files(): string[] {
    return (['pid', 'mess', 'intd', 'todo', 'info', 'local', 'remote', 'bounce'] as const)
      .flatMap((directory) =>
        readdirSync(this.paths.directory(directory), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(this.queue.length + 1)),
      )
      .sort();
  }

  /** What the program in qmail-queue's place was given. */
  bounced(): { message: string; envelope: string }[] {
    return readdirSync(this.bounces)
      .filter((name) => name.endsWith('.env'))
      .map((name) => ({
        message: readFileSync(join(this.bounces, name.replace('.env', '.mess')), 'latin1'),
        envelope: readFileSync(join(this.bounces, name), 'latin1'),
      }));
  }

  async remove(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Waits for a condition, for as long as a loaded machine may need. */
export async function until(
  condition: () => boolean,
  what: () => string = () => '',
  seconds = 120,
): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !condition(); await sleep(5))
    if (Date.now() > end) throw new Error(`waited in vain: ${what()}`);
}
