// A queue of its own with messages in it, as qmail-queue and qmail-send leave them, and programs run on it as
// its owner: a made-up user when the tests run as root, else whoever runs them. Or, for root, a queue as on a real
// host, of users who exist only for the programs that the test runs: they see other account files than the machine's.

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
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { encodeInfo, encodeIntd, encodeRecipient, makeQueueTree, QueuePaths } from '@q/queue-files';
import { DIST, openDirectory } from './instance.ts';
import { isRoot, type Ran, run } from './run.ts';

const OWNER = 54_321;

/** Numbers of qmail's users and groups, in a queue with separate ones. */
export const USERS = {
  alias: 61_001,
  qmaild: 61_002,
  qmaill: 61_003,
  qmailp: 61_004,
  qmailq: 61_005,
  qmailr: 61_006,
  qmails: 61_007,
} as const;
const GROUPS = { qmail: 61_100, nofiles: 61_101 } as const;

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

  readonly #separate: boolean;

  constructor(options: { readonly separateUsers?: boolean } = {}) {
    this.#separate = options.separateUsers === true;
    const { uid, gid } = this;
    const single = { qmailq: uid, qmailr: uid, qmails: uid, qmail: gid };
    const ids = this.#separate ? { ...USERS, ...GROUPS } : single;
    if (!this.#separate) chownSync(this.home, uid, gid);
    makeQueueTree(this.home, { single: !isRoot, ...ids });
    if (this.#separate) this.#writeAccounts();
    for (const name of ['control', 'users', 'bin', 'Mail'])
      mkdirSync(join(this.home, name), { mode: 0o755 });
    if (!this.#separate)
      for (const name of ['control', 'users', 'Mail']) chownSync(join(this.home, name), uid, gid);
    this.file('control/me', 'mail.test\n');
    // qmail-send needs it for bounces as long as the queue server is not up.
    symlinkSync(join(DIST, 'qmail-queue'), join(this.home, 'bin/qmail-queue'));
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

  /** Gives a whole tree to the one owner. */
  ownAll(path: string): void {
    chownSync(path, this.uid, this.gid);
    if (!lstatSync(path).isDirectory()) return;
    for (const name of readdirSync(path)) this.ownAll(join(path, name));
  }

  /** Runs an executable as the owner; with separate users, as root. */
  run(program: string, ...args: string[]): Promise<Ran> {
    const { file, words, as } = this.command(program, args);
    return run(file, words, { env: this.env, ...as });
  }

  /** How to start it, for a test that does not wait for its end. */
  command(program: string, args: readonly string[]) {
    const { uid, gid } = this;
    const path = join(DIST, program);
    if (!this.#separate) return { file: path, words: [...args], as: { uid, gid } };
    const binds = ['passwd', 'group'].map(
      (name) => `mount --bind "$QMAILHOME/${name}" /etc/${name}`,
    );
    const script = `${binds.join(' && ')} && exec "$@"`;
    return { file: 'unshare', words: ['-m', 'sh', '-c', script, 'sh', path, ...args], as: {} };
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  #writeAccounts(): void {
    const passwd = Object.entries(USERS).map(([name, uid]) => {
      const gid = ['qmailq', 'qmailr', 'qmails'].includes(name) ? GROUPS.qmail : GROUPS.nofiles;
      return `${name}:x:${uid}:${gid}::${this.home}:/bin/false\n`;
    });
    const group = Object.entries(GROUPS).map(([name, gid]) => `${name}:x:${gid}:\n`);
    writeFileSync(join(this.home, 'passwd'), ['root:x:0:0::/:/bin/sh\n', ...passwd].join(''));
    writeFileSync(join(this.home, 'group'), ['root:x:0:\n', ...group].join(''));
  }

  #write(path: string, content: string | Buffer, mode: number): void {
    writeFileSync(path, content);
    chmodSync(path, mode);
    if (!this.#separate) chownSync(path, this.uid, this.gid);
    else if (/\/queue\/(?:info|local|remote|bounce)\//.test(path))
      chownSync(path, USERS.qmails, GROUPS.qmail);
    else if (path.includes('/queue/')) chownSync(path, USERS.qmailq, GROUPS.qmail);
  }
}
