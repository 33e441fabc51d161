// A QMAILHOME as qmail 1.03 leaves it, for the programs under test. Everything in it is written byte by byte from
// the descriptions of the formats; nothing of our own packages is used, so that they cannot agree with themselves.
// It belongs to one user: a made-up one when the tests run as root, else whoever runs them.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DIST, openDirectory } from './instance.ts';
import { isRoot } from './run.ts';

const OWNER = 54_321;
const SPLIT = 23;

export interface Times {
  /** Seconds since 1970. */
  readonly mtime?: number;
  readonly atime?: number;
}

export class ClassicHost {
  readonly home = openDirectory('classic-');
  readonly uid = isRoot ? OWNER : (process.getuid?.() ?? 0);
  readonly gid = isRoot ? OWNER : (process.getgid?.() ?? 0);
  readonly env: NodeJS.ProcessEnv = {
    PATH: `${DIST}:${process.env.PATH}`,
    QMAILHOME: this.home,
  };

  /** `control`: files of control/, as they are; control/me is there anyhow. */
  constructor(control: Readonly<Record<string, string>> = {}) {
    this.#own(this.home);
    for (const name of ['control', 'users', 'bin']) this.directory(name);
    for (const name of ['queue', 'queue/lock', 'queue/todo', 'queue/mess'])
      this.directory(name, 0o750);
    for (const name of ['pid', 'intd', 'bounce', 'info', 'local', 'remote'])
      this.directory(`queue/${name}`, 0o700);
    for (let split = 0; split < SPLIT; split++) {
      this.directory(`queue/mess/${split}`, 0o750);
      for (const name of ['info', 'local', 'remote'])
        this.directory(`queue/${name}/${split}`, 0o700);
    }
    this.file('queue/lock/tcpto', Buffer.alloc(1024), 0o644);
    this.file('queue/lock/sendmutex', '', 0o600);
    const trigger = join(this.home, 'queue/lock/trigger');
    execFileSync('mkfifo', ['-m', '622', trigger]);
    this.#own(trigger);
    for (const [name, text] of Object.entries({ me: 'mail.test\n', ...control }))
      this.file(`control/${name}`, text);
    for (const name of ['qmail-local', 'qmail-getpw', 'qmail-queue', 'qmail-remote'])
      symlinkSync(join(DIST, name), join(this.home, 'bin', name));
  }

  directory(name: string, mode = 0o755): string {
    const path = join(this.home, name);
    mkdirSync(path);
    chmodSync(path, mode);
    this.#own(path);
    return path;
  }

  /** A file below home; a string is latin1. Replaces one that is there. */
  file(name: string, content: string | Buffer, mode = 0o644): string {
    const path = join(this.home, name);
    rmSync(path, { force: true });
    writeFileSync(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
    chmodSync(path, mode);
    this.#own(path);
    return path;
  }

  /** A program in the place of another: a shell script. */
  script(name: string, text: string): string {
    return this.file(name, `#!/bin/sh\n${text}`, 0o755);
  }

  /** A message file under its inode number (S2); gives the number. */
  mess(content: string): string {
    const path = this.file('queue/pid/99.812090814.1', content);
    const fd = openSync(path, 'r');
    const id = String(fstatSync(fd).ino);
    closeSync(fd);
    renameSync(path, this.at('mess/S/N', id));
    return id;
  }

  /** A file of message `id`, named as in `info/S/N` or `todo/N`. */
  queueFile(name: string, id: string, content: string, times: Times = {}): void {
    const mode = /^(?:info|local|remote|bounce)/.test(name) ? 0o600 : 0o644;
    this.file(join('queue', this.#named(name, id)), content, mode);
    this.touch(name, id, times);
  }

  touch(name: string, id: string, { mtime, atime }: Times): void {
    const path = this.at(name, id);
    const { mtimeMs, atimeMs } = statSync(path);
    utimesSync(path, atime ?? atimeMs / 1000, mtime ?? mtimeMs / 1000);
  }

  /** intd/N and its second name todo/N: a message that is queued (S4). */
  queued(content: string, envelope: string): string {
    const id = this.mess(content);
    this.queueFile('intd/N', id, envelope);
    linkSync(this.at('intd/N', id), this.at('todo/N', id));
    return id;
  }

  at(name: string, id: string): string {
    return join(this.home, 'queue', this.#named(name, id));
  }

  /** A queue file's bytes as latin1 text; undefined if there is none. */
  read(name: string, id: string): string | undefined {
    try {
      return readFileSync(this.at(name, id), 'latin1');
    } catch {
      return undefined;
    }
  }

  /** The names of all files of all messages, in the order of the letters. */
  left(): string[] {
    const root = join(this.home, 'queue');
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('/lock'))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .sort();
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  #named(name: string, id: string): string {
    return name.replace('S', String(Number(id) % SPLIT)).replace('N', id);
  }

  #own(path: string): void {
    chownSync(path, this.uid, this.gid);
  }
}

/** `S/N` of a message, as spawners are told. */
export function messageName(id: string): string {
  return `${Number(id) % SPLIT}/${id}`;
}
