// execve(2): this process becomes another program, with the same pid and stated descriptors.

import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoText, faultOf, Permanent, Temporary } from '@q/fault';
import { isOpen, setCloseOnExec, setNonblocking } from './descriptors.ts';
import { cFunction, systemError } from './libc.ts';

const SIG_DFL = 0;
const SIGALRM_SECONDS_MAX = 0x7fffffff;
const SIGPIPE = 13;
const SIGCHLD = 17;
const SIGXFSZ = 25;

/**
 * Replaces this process. `argv` includes argv[0]; descriptors 0-2 and `fds` stay open, in blocking mode;
 * everything Node opened for itself is close-on-exec and goes. Node ignores SIGPIPE and SIGXFSZ, which an
 * exec would hand on: they are put back. Returns only by throwing a fault.
 */
export function execve(
  file: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  options: { readonly fds?: readonly number[] } = {},
): never {
  for (const fd of [0, 1, 2, ...(options.fds ?? [])]) {
    if (!isOpen(fd)) continue;
    setCloseOnExec(fd, false);
    setNonblocking(fd, false);
  }
  const signal = cFunction('void *signal(int number, intptr_t handler)');
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  const pairs = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const call = cFunction('int execve(const char *path, const char **argv, const char **envp)');
  call(file, [...argv, null], [...pairs, null]);
  throw faultOf(systemError('execve'), `unable to run ${file}`);
}

/**
 * To be called before dup2 is let loose on low descriptors. At the death of a child Node's signal handler reads from
 * a pipe of its own; where another pipe has taken its number, that read never ends.
 */
export function forgetChildren(): void {
  cFunction('void *signal(int number, intptr_t handler)')(SIGCHLD, SIG_DFL);
}

/**
 * Where execvp(3) would find a program: `file` itself when it has a slash, else the first executable
 * regular file in the directories of `path` ("/a:/b"). Throws Permanent when there is none.
 */
export function findProgram(file: string, path: string | undefined): string {
  const candidates = file.includes('/')
    ? [file]
    : (path ?? '/usr/local/bin:/usr/bin:/bin').split(':').map((dir) => join(dir || '.', file));
  let reason = 'not found in PATH';
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch (error) {
      if (file.includes('/')) reason = errnoText(error);
    }
  }
  throw new Permanent(`unable to run ${file}: ${reason}`);
}

/** alarm(2): the kernel ends this process by SIGALRM after so many seconds, whatever it is blocked in. 0 cancels. */
export function alarm(seconds: number): void {
  cFunction('unsigned int alarm(unsigned int seconds)')(Math.min(seconds, SIGALRM_SECONDS_MAX));
}

/**
 * _exit(2): this process ends now. process.exit would first wait for every file operation under way, and
 * a read(2) of a pipe can be under way for ever.
 */
export function exitNow(code: number): never {
  cFunction('void _exit(int status)')(code);
  throw new Temporary('the process did not end');
}
