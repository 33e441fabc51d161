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

import { closeSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import {
  type Credentials,
  EXIT_MISUSED,
  EXIT_REFUSED,
  EXIT_TEMPORARY,
  readCredentials,
} from '@q/checkpassword';
import { faultOf, isFault, Permanent, Temporary } from '@q/fault';
import { execve, findProgram } from '@q/posix';
import { argText, type Invocation, spawn } from '@q/proc';
import {
  authenticateSystem,
  authenticateVirtual,
  become,
  type Login,
  openSettings,
  openUserTable,
  refused,
  renewHash,
  resolveLogin,
  runHooks,
  type Settings,
  shellOf,
  type VirtualUser,
  verifyDigest,
  verifyPasswordAsync,
  virtualEnvironment,
} from '@q/vmailmgr';
import { maildirArgument, usableMaildir } from './maildir-argument.ts';

const CREDENTIALS_FD = 3;

/** What is known so far: hooks see it as their environment, and find themselves by the settings. */
interface Attempt {
  /** The program and its arguments. */
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** The global ones until we are the base user, then the domain's too. */
  settings: Settings;
}

/** Does not return when the program can be executed and no checkvpw-postexec hook waits for its end. */
export async function checkvpwMain(invocation: Invocation): Promise<number> {
  const { args, env } = invocation;
  const attempt: Attempt = { args, env: withoutVirtual(env), settings: openSettings({ env }) };
  try {
    const credentials = readLogin(args);
    await logIn(attempt, credentials);
    return await runProgram(attempt);
  } catch (error) {
    return fail(attempt, error);
  }
}

/** A trace of another login in the environment must not be taken for this one's. */
function withoutVirtual(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const names = Object.keys(env).filter((name) => name !== 'MAILDIR' && !/^VUSER(_|$)/.test(name));
  return Object.fromEntries(names.map((name) => [name, env[name]]));
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

/** From root to the user who proved to be one; throws a fault on the way. */
async function logIn(attempt: Attempt, { user, password, stamp }: Credentials): Promise<void> {
  const secret = bytesOf(password);
  const login = await resolve(attempt, user, secret);
  const { base, virtualName } = login;
  if (virtualName === '') await authenticateSystem(base.user, secret);
  Object.assign(attempt.env, {
    USER: base.user,
    HOME: base.home,
    SHELL: shellOf(base),
    VUSER: asArgument(virtualName),
  });
  await hook(attempt, 'checkvpw-presetuid');
  become(base);
  attempt.settings = openSettings({ home: base.home, env: attempt.env });
  if (virtualName === '') {
    chooseMaildir(attempt, undefined);
  } else {
    const record = await readRecord(attempt, login, secret, stamp);
    Object.assign(attempt.env, virtualEnvironment(virtualName, record));
    chooseMaildir(attempt, argText(record.directory));
  }
  await hook(attempt, 'checkvpw-postsetuid');
}

/** Finding out that there is no such account takes as long as finding out that a password is wrong. */
async function resolve(attempt: Attempt, user: string, secret: Buffer): Promise<Login> {
  try {
    return resolveLogin(user, {
      settings: attempt.settings,
      localHost: attempt.env.TCPLOCALHOST,
    });
  } catch (error) {
    if (isRefusal(error)) await verifyPasswordAsync(secret, undefined);
    throw error;
  }
}

/** Runs as the base user, to whom the table belongs. */
async function readRecord(
  attempt: Attempt,
  login: Login,
  secret: Buffer,
  stamp: string,
): Promise<VirtualUser> {
  const table = openUserTable(login.base.home, attempt.settings);
  try {
    const record = await authenticateVirtual(table, login.virtualName, secret, undefined, stamp);
    // A digest proves the password and is not it.
    if (!verifyDigest(secret, stamp, record.password))
      await renewHash(login.base.home, attempt.settings, login.virtualName, record, secret);
    return record;
  } finally {
    table.close();
  }
}

/** A name that no environment can hold is no name we know. */
function asArgument(name: string): string {
  try {
    return argText(name);
  } catch {
    throw refused('Invalid or unknown virtual user');
  }
}

/** Puts the maildir among the arguments and into the environment; a system user's is the argument itself. */
function chooseMaildir(attempt: Attempt, directory: string | undefined): void {
  const { args, settings, env } = attempt;
  const at = maildirArgument(args, settings);
  const wanted = directory ?? (at === undefined ? undefined : args[at]);
  if (wanted === undefined) return;
  env.MAILDIR = usableMaildir(wanted, settings);
  if (at !== undefined) attempt.args = args.with(at, env.MAILDIR);
}

async function hook(attempt: Attempt, name: string): Promise<void> {
  const status = await runHooks(attempt.settings.hooks(name), { env: attempt.env });
  if (status !== 0) throw new Temporary(`Execution of ${name} failed`);
}

/** With a postexec hook we have to stay and wait; else this process becomes the program. */
async function runProgram(attempt: Attempt): Promise<number> {
  const { args, env, settings } = attempt;
  const [program, ...rest] = args as [string, ...string[]];
  const after = settings.hooks('checkvpw-postexec');
  try {
    if (after.length === 0) execve(findProgram(program, env.PATH), [program, ...rest], env);
    const child = await spawn({ file: program, args: rest, env, stdio: [0, 1, 2] });
    const exit = await child.exited;
    if (!('code' in exit) || exit.code !== 0) throw new Temporary('it failed');
  } catch (error) {
    const { message } = faultOf(error, program);
    throw new Temporary(`Execution of command line arguments failed: ${message}`, { cause: error });
  }
  await runHooks(after, { env });
  return 0;
}

/** Tells the hooks, which may log or ban, and gives the exit code. Nothing is printed. */
async function fail(attempt: Attempt, error: unknown): Promise<number> {
  const fault = faultOf(error, 'internal error');
  const code =
    isRefusal(fault) || fault.exitCode === EXIT_MISUSED ? fault.exitCode : EXIT_TEMPORARY;
  const name = code === EXIT_REFUSED ? 'checkvpw-loginfail' : 'checkvpw-error';
  const env = { ...attempt.env, CHECKVPW_ERROR: fault.message };
  await runHooks(attempt.settings.hooks(name), { env });
  return code;
}

function isRefusal(error: unknown): boolean {
  return isFault(error) && error.exitCode === EXIT_REFUSED;
}
