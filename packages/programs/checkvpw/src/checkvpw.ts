// checkvpw: verifies a login read from descriptor 3 and becomes the program it was given, as the user whose
// mail it is. checkvpw(8); the interface is checkpassword's. Runs as root; in a private instance as its user.
//
//   state      uid     does                                                     fails with
//   read       root    the three fields from fd 3                               2
//   resolve    root    login name -> base user and virtual name                 1, 111
//   system     root    only without virtual name: the shadow hash               1, 111
//   presetuid  root    global hook                                              111
//   become     root    groups, gid, uid, chdir home; proof that it is final     111
//   virtual    user    only with virtual name: the table of the home            1, 111
//   postsetuid user    hooks, global and the domain's                           111
//   exec       user    the program                                              111
//
// Before each exit other than the program's: hook checkvpw-loginfail (1) or checkvpw-error (2, 111), the
// domain's own only once we are its user. Descriptors 0 and 1 are the client's: never read, never written.
// The steps between read and exec, hooks included, are @q/vmailmgr's LoginAttempt.

import { closeSync } from 'node:fs';
import {
  type Credentials,
  EXIT_MISUSED,
  EXIT_REFUSED,
  EXIT_TEMPORARY,
  readCredentials,
} from '@q/checkpassword';
import { faultOf, Permanent, Temporary } from '@q/fault';
import { execve, findProgram } from '@q/posix';
import { type Invocation, spawn } from '@q/proc';
import { become, LoginAttempt } from '@q/vmailmgr';
import { maildirArgument } from './maildir-argument.ts';

const CREDENTIALS_FD = 3;

/** Does not return when the program can be executed and no checkvpw-postexec hook waits for its end. */
export async function checkvpwMain({ args, env }: Invocation): Promise<number> {
  const attempt = new LoginAttempt(env);
  try {
    const credentials = readLogin(args);
    return await runProgram(attempt, await logIn(attempt, credentials, args));
  } catch (error) {
    // The hooks may log or ban. Nothing is printed.
    const { exitCode } = await attempt.fail(error);
    return exitCode === EXIT_REFUSED || exitCode === EXIT_MISUSED ? exitCode : EXIT_TEMPORARY;
  }
}

function readLogin(args: readonly string[]): Credentials {
  if (args.length === 0) throw misused('No subprogram given to execute');
  try {
    const credentials = readCredentials(CREDENTIALS_FD);
    closeSync(CREDENTIALS_FD);
    return credentials;
  } catch (error) {
    if (error instanceof Temporary) throw error;
    throw misused(faultOf(error, 'Read error').message);
  }
}

function misused(text: string): Permanent {
  return new Permanent(text, { exitCode: EXIT_MISUSED });
}

/** From root to the user who proved to be one; gives the program with its maildir. Throws a fault on the way. */
async function logIn(
  attempt: LoginAttempt,
  credentials: Credentials,
  args: readonly string[],
): Promise<readonly string[]> {
  const { base, virtualName } = await attempt.begin(credentials);
  become(base);
  attempt.enter(base.home);
  const at = maildirArgument(args, attempt.settings);
  const own = at === undefined ? undefined : args[at];
  const maildir = await attempt.finish(base.home, virtualName, credentials, own);
  return at === undefined || maildir === undefined ? args : args.with(at, maildir);
}

/** With a postexec hook we have to stay and wait; else this process becomes the program. */
async function runProgram(attempt: LoginAttempt, args: readonly string[]): Promise<number> {
  const { env } = attempt;
  const [program, ...rest] = args as [string, ...string[]];
  try {
    if (!attempt.wantsEnd) execve(findProgram(program, env.PATH), [program, ...rest], env);
    const child = await spawn({ file: program, args: rest, env, stdio: [0, 1, 2] });
    const exit = await child.exited;
    if (!('code' in exit) || exit.code !== 0) throw new Temporary('it failed');
  } catch (error) {
    const { message } = faultOf(error, program);
    throw new Temporary(`Execution of command line arguments failed: ${message}`, { cause: error });
  }
  await attempt.end();
  return 0;
}
