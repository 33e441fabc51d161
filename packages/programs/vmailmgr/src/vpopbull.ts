// vpopbull: gives a virtual user who logs in the bulletins that are new to him. vpopbull(1). Run from
// checkvpw-postsetuid, as the domain's owner.
//
//   1 each bulletin newer than MAILDIR/.timestamp linked into MAILDIR/new   crash after: linked again next time
//   2 the time of the newest one written to .timestamp
//
// The time is that of the newest bulletin seen, not the present: one that is posted while we look is not missed.

import {
  closeSync,
  constants,
  fsyncSync,
  futimesSync,
  linkSync,
  openSync,
  readdirSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { bytesOf } from '@q/bytes';
import { errnoOf, errnoText, faultOf, Permanent, Temporary } from '@q/fault';
import { uniqueName } from '@q/maildir';
import { execve, findProgram } from '@q/posix';
import { type Invocation, mailText } from '@q/proc';
import { BULLETINS_MAX } from './limits.ts';
import { type Output, standardOutput } from './output.ts';

const EXIT_SETUP = 1;
const TIMESTAMP = '.timestamp';

interface Bulletin {
  /** latin1; relative to the home, or absolute. */
  readonly path: string;
  /** Seconds since 1970. */
  readonly time: number;
}

/** Exit code 0, 1 for a wrong call or environment, 111 for anything that may pass; or it becomes the program. */
export function vpopbullMain(invocation: Invocation, output: Output = standardOutput): number {
  const quiet = invocation.options.quiet === true;
  try {
    const { directories, program } = splitArguments(invocation.args);
    const maildir = enterHome(invocation.env);
    deliver(maildir, directories, invocation.options.link === true ? linkSync : linkSymbolic);
    const [file] = program;
    if (file !== undefined)
      execve(findProgram(file, invocation.env.PATH), program, { ...invocation.env });
    return 0;
  } catch (error) {
    const fault = faultOf(error, 'internal error');
    if (!quiet) output.err(`vpopbull: ${fault.message}\n`);
    return fault.exitCode;
  }
}

function splitArguments(args: readonly string[]): { directories: string[]; program: string[] } {
  const end = args.indexOf('--');
  const directories = end < 0 ? [...args] : args.slice(0, end);
  return { directories, program: end < 0 ? [] : args.slice(end + 1) };
}

/** The maildir, in latin1. The working directory is the home then. */
function enterHome(env: Readonly<NodeJS.ProcessEnv>): string {
  const wrong = (text: string) => new Permanent(text, { exitCode: EXIT_SETUP });
  const { HOME, MAILDIR } = env;
  if (HOME === undefined || HOME === '') throw wrong("Can't determine home directory");
  try {
    process.chdir(HOME);
  } catch {
    throw wrong("Can't change to home directory");
  }
  if (MAILDIR === undefined || MAILDIR === '') throw wrong('MAILDIR is not set');
  return mailText(MAILDIR);
}

type Link = (from: Buffer, to: Buffer) => void;

function deliver(maildir: string, directories: readonly string[], link: Link): void {
  const now = Date.now() / 1000;
  const last = timeOf(`${maildir}/${TIMESTAMP}`) ?? 0;
  const bulletins = directories
    .flatMap((directory) => bulletinsIn(mailText(directory)))
    // One with a time to come is for then; it would come again with every login until then.
    .filter(({ time }) => time > last && time <= now)
    .sort((a, b) => a.time - b.time);
  for (const { path } of bulletins) linkInto(maildir, path, link);
  const newest = bulletins.at(-1)?.time;
  if (newest !== undefined || last === 0) setTime(`${maildir}/${TIMESTAMP}`, newest ?? now);
}

function bulletinsIn(directory: string): Bulletin[] {
  const names = attempt(`Can't open bulletin directory '${directory}'`, () =>
    readdirSync(bytesOf(directory), { encoding: 'latin1' }),
  ).filter((name) => !name.startsWith('.'));
  if (names.length > BULLETINS_MAX) throw new Temporary(`too many bulletins in '${directory}'`);
  return names.flatMap((name) => {
    const path = join(directory, name);
    const time = timeOf(path);
    return time === undefined ? [] : [{ path, time }];
  });
}

/** A link that is not absolute is read from where it stands. */
const linkSymbolic: Link = (from, to) => {
  const target = from.toString('latin1');
  const relative = posix.relative(posix.dirname(to.toString('latin1')), target);
  symlinkSync(bytesOf(target.startsWith('/') ? target : relative), to);
};

function linkInto(maildir: string, bulletin: string, link: Link): void {
  const name = `${maildir}/new/${uniqueName()}`;
  attempt(`Could not make link from '${bulletin}' to '${name}'`, () =>
    link(bytesOf(bulletin), bytesOf(name)),
  );
}

function timeOf(path: string): number | undefined {
  try {
    return statSync(bytesOf(path)).mtimeMs / 1000;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new Temporary(`Can't stat '${path}': ${errnoText(error)}`, { cause: error });
  }
}

function setTime(path: string, seconds: number): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  attempt(`Can't write '${path}'`, () => {
    const fd = openSync(bytesOf(path), flags, 0o600);
    try {
      // Up to the next microsecond: a time kept in fewer digits must not make the same bulletin new again.
      futimesSync(fd, seconds, seconds + 0.000_001);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}

function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Temporary(`${what}: ${errnoText(error)}`, { cause: error });
  }
}
