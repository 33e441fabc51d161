// Started by root, an instance still runs as nobody in particular: a uid without an account, which owns
// the instance's directory and nothing else. What runs as root here: choosing the uid and the directory,
// copying the executables into it, and starting the rest as that uid.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Permanent } from '@q/fault';
import { getgrgid, getpwuid } from '@q/posix';
import { type Child, spawn } from '@q/proc';

/** Uids are looked for from here up; distributions give accounts lower or much higher ones. */
const FIRST_UID = 52_525;

export interface Placed {
  readonly dir: string;
  readonly uid: number;
  /** Why the directory is not the one asked for, when it is not. */
  readonly moved?: string;
}

/** Chooses directory and uid, makes the directory, and copies the executables of `programs` into it. Root only. */
export function place(wanted: string, programs: string): Placed {
  if (!reachable(process.execPath)) {
    throw new Permanent(
      `${process.execPath} cannot be reached by an unprivileged user: install Node system-wide, or run this as an ordinary user`,
    );
  }
  const asked = resolve(wanted);
  const ok = reachable(dirname(asked));
  const dir = ok
    ? asked
    : join('/var/tmp', `qmail-ts-${createHash('sha256').update(asked).digest('hex').slice(0, 12)}`);
  const uid = claim(dir);
  copyPrograms(programs, join(dir, 'bin'), uid);
  return ok ? { dir, uid } : { dir, uid, moved: `${dirname(asked)} is closed to other users` };
}

/** Runs the front door again as the instance's uid, from the instance's own copy of the executables. */
export function startAs(placed: Placed, words: readonly string[]): Promise<Child> {
  return spawn({
    file: join(placed.dir, 'bin', 'qmail-ts'),
    args: ['start', '--dir', placed.dir, ...words],
    cwd: placed.dir,
    env: {
      PATH: process.env.PATH,
      HOME: placed.dir,
      QMAILHOME: placed.dir,
      TERM: process.env.TERM,
    },
    stdio: [0, 1, 2],
    uid: placed.uid,
    gid: placed.uid,
  });
}

/** The directory's uid: its owner when it is an instance already, else one that nobody has. */
function claim(dir: string): number {
  if (existsSync(dir)) {
    const stats = lstatSync(dir);
    if (!stats.isDirectory()) throw new Permanent(`${dir} is not a directory`);
    const empty = readdirSync(dir).length === 0;
    if (stats.uid !== 0 && (empty || existsSync(join(dir, 'control')))) return stats.uid;
    if (!empty)
      throw new Permanent(`${dir} holds something else: move it away, or give another --dir`);
  } else {
    mkdirSync(dir, { mode: 0o755 });
  }
  const uid = freeUid();
  chownSync(dir, uid, uid);
  chmodSync(dir, 0o755);
  return uid;
}

function freeUid(): number {
  for (let uid = FIRST_UID; uid < FIRST_UID + 1000; uid++) {
    if (getpwuid(uid) === undefined && getgrgid(uid) === undefined) return uid;
  }
  throw new Permanent('found no free uid to run as');
}

/** Copied, not linked: the place they were built in may be closed to the uid. Old copies are replaced whole. */
function copyPrograms(programs: string, bin: string, uid: number): void {
  if (resolve(programs) === resolve(bin)) return;
  rmSync(bin, { recursive: true, force: true });
  cpSync(programs, bin, { recursive: true, dereference: true });
  open(bin, uid);
}

/** Owned by root, readable by all: the instance's user cannot change its own programs. */
function open(path: string, uid: number): void {
  const stats = lstatSync(path);
  chownSync(path, 0, 0);
  if (stats.isDirectory()) {
    chmodSync(path, 0o755);
    for (const name of readdirSync(path)) open(join(path, name), uid);
  } else {
    chmodSync(path, stats.mode & 0o100 ? 0o755 : 0o644);
  }
}

/** True if every directory above `path`, and `path` itself, lets other users through. */
function reachable(path: string): boolean {
  for (let at = resolve(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
