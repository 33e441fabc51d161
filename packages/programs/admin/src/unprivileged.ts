// Started by root, an instance still runs as nobody in particular: a uid without an account, which owns
// the instance's directory and nothing else. What runs as root here: choosing the uid and the directory,
// reading the executables, and starting the rest as that uid.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Permanent, Temporary } from '@q/fault';
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
  copyPrograms(programs, dir, uid);
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

/**
 * Copied, not linked: the place they were built in may be closed to the uid. Root reads and packs, the uid
 * unpacks: root writes nothing where somebody else can lay links. Each build has a directory of its own,
 * DIR/programs-HASH, and DIR/bin is a link that changes in one step: services of an earlier start may still
 * be running, and a delivery that finds no program is a bounce.
 */
function copyPrograms(programs: string, dir: string, uid: number): void {
  if (realpathSync(programs) === existingPath(join(dir, 'bin'))) return;
  const archive = spawnSync('tar', ['-chf', '-', '-C', programs, '.'], {
    env: PLAIN,
    maxBuffer: 1 << 29,
  });
  if (archive.status !== 0) throw new Temporary(`unable to pack ${programs}: ${archive.stderr}`);
  const unpacked = spawnSync('sh', ['-c', UNPACK, 'sh', `programs-${buildHash(programs)}`], {
    cwd: dir,
    env: PLAIN,
    uid,
    gid: uid,
    input: archive.stdout,
  });
  if (unpacked.status !== 0)
    throw new Temporary(`unable to copy programs to ${dir}: ${unpacked.stderr}`);
}

const PLAIN = { PATH: '/usr/bin:/bin' };

/** $1 is the build's directory; the archive is the input. An earlier version had a directory named bin. */
const UNPACK = `umask 022
if [ ! -e "$1" ]; then
  rm -rf "$1.new" && mkdir "$1.new" && tar -xf - -C "$1.new" && mv -T "$1.new" "$1" || exit 1
fi
if [ -d bin ] && [ ! -L bin ]; then mv -T bin "$1.old" || exit 1; fi
ln -sfn "$1" bin.new && mv -T bin.new bin`;

function existingPath(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined;
}

/** What tells one build from another: the executables' names and contents. */
function buildHash(programs: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(programs).sort()) {
    const path = join(programs, name);
    if (statSync(path).isFile()) hash.update(name).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 12);
}

/** True if every directory above `path`, and `path` itself, lets other users through. */
function reachable(path: string): boolean {
  for (let at = resolve(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
