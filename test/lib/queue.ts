// A queue of its own with messages in it, as qmail-queue and qmail-send leave them, and programs run on it as
// its owner: a made-up user when the tests run as root, else whoever runs them.

import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { encodeInfo, encodeIntd, encodeRecipient, makeQueueTree, QueuePaths } from '@q/queue-files';
import { DIST, openDirectory } from './instance.ts';
import { isRoot, type Ran, run } from './run.ts';

const OWNER = 54_321;

export interface Preprocessed {
  readonly sender?: string;
  readonly local?: readonly string[];
  readonly remote?: readonly string[];
  /** Seconds since 1970; now by default. */
  readonly birth?: number;
  readonly body?: string;
  /** When its channels are due, as qmail-send writes it at its end. */
  readonly due?: number;
  /** What bounce/N holds. */
  readonly bounce?: string;
}

export class TestQueue {
  readonly home = openDirectory('queue-');
  readonly paths = new QueuePaths(join(this.home, 'queue'));
  readonly uid = isRoot ? OWNER : (process.getuid?.() ?? 0);
  readonly gid = isRoot ? OWNER : (process.getgid?.() ?? 0);
  readonly env: NodeJS.ProcessEnv = {
    PATH: `${DIST}:${process.env.PATH}`,
    QMAILHOME: this.home,
  };

  constructor() {
    const { uid, gid } = this;
    chownSync(this.home, uid, gid);
    const single = !isRoot;
    makeQueueTree(this.home, { single, qmailq: uid, qmailr: uid, qmails: uid, qmail: gid });
    for (const name of ['control', 'users', 'bin', 'Mail'])
      mkdirSync(join(this.home, name), { mode: 0o755 });
    for (const name of ['control', 'users', 'Mail']) chownSync(join(this.home, name), uid, gid);
    this.file('control/me', 'mail.test\n');
  }

  /** A file below home, its owner's. */
  file(name: string, content: string | Buffer, mode = 0o644): string {
    const path = join(this.home, name);
    this.#write(path, content, mode);
    return path;
  }

  /** A message that qmail-send has taken over (S5). A channel without recipients has no file. */
  preprocessed(message: Preprocessed): string {
    const { paths } = this;
    const id = this.mess(message.body);
    this.#write(paths.info(id), encodeInfo(message.sender ?? 'joe@example.org'), 0o600);
    if (message.birth !== undefined) utimesSync(paths.info(id), message.birth, message.birth);
    for (const channel of ['local', 'remote'] as const) {
      const recipients = message[channel];
      if (recipients === undefined) continue;
      const path = paths.channel(channel, id);
      this.#write(path, Buffer.concat(recipients.map(encodeRecipient)), 0o600);
      if (message.due !== undefined) utimesSync(path, message.due, message.due);
    }
    if (message.bounce !== undefined) this.#write(paths.bounce(id), message.bounce, 0o600);
    return id;
  }

  /** A message that qmail-send has not seen (S4). */
  queued(sender: string, recipients: readonly string[], body?: string): string {
    const { paths } = this;
    const id = this.mess(body);
    const intd = encodeIntd({ uid: this.uid, pid: 99, sender, recipients });
    this.#write(paths.intd(id), intd, 0o644);
    linkSync(paths.intd(id), paths.todo(id));
    return id;
  }

  /** A message file alone (S2). */
  mess(
    body = 'Received: (qmail 99 invoked by uid 1000); 26 Sep 1995 04:46:54 -0000\n\nhello\n',
  ): string {
    const path = this.paths.pid('99.1.1');
    const fd = openSync(path, 'wx', 0o644);
    const id = String(fstatSync(fd, { bigint: true }).ino);
    closeSync(fd);
    this.#write(path, body, 0o644);
    renameSync(path, this.paths.mess(id));
    return id;
  }

  /** Gives a whole tree to the owner. */
  ownAll(path: string): void {
    chownSync(path, this.uid, this.gid);
    if (!lstatSync(path).isDirectory()) return;
    for (const name of readdirSync(path)) this.ownAll(join(path, name));
  }

  /** Runs an executable as the owner. */
  run(program: string, ...args: string[]): Promise<Ran> {
    return run(join(DIST, program), args, { env: this.env, uid: this.uid, gid: this.gid });
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  #write(path: string, content: string | Buffer, mode: number): void {
    writeFileSync(path, content);
    chmodSync(path, mode);
    chownSync(path, this.uid, this.gid);
  }
}
