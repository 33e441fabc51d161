// authvmailmgr: a module in the chain of old Courier-IMAP (1.x to 3.x), which execs its way from the login
// program to imapd. authvmailmgr(8).
//
//   imaplogin ─exec─► authvmailmgr ─exec─► next module ─exec─► ... ─exec─► imapd Maildir
//             fd 3: service LF "login" LF user LF password LF, end of file
//
//   AUTHENTICATED is set        someone before us knew the user: hand on
//   not a virtual user          hand on, with the same bytes on a fresh descriptor 3
//   a virtual user, proved      become its owner, in the home, with AUTHENTICATED; hand on
//   anything else               start the login program again, AUTHUSER with AUTHARGV0...
//
// The table is read by a worker that is its owner, so that after a wrong password we are still root and the
// login program starts with the rights it had.

import { closeSync, readSync, writeSync } from 'node:fs';
import { asciiLower, bytesOf, textOf } from '@q/bytes';
import { qmailHome } from '@q/control';
import { errnoOf, faultOf, Permanent, Temporary } from '@q/fault';
import { dup2, execve, findProgram, pipe } from '@q/posix';
import { argText, type Invocation, pathOnly } from '@q/proc';
import { isServiceChild, WorkerPool } from '@q/service';
import {
  become,
  EXIT_LOGIN_REFUSED,
  type Login,
  openSettings,
  resolveLogin,
  runHooks,
  verifyPasswordAsync,
} from '@q/vmailmgr';
import { AUTH_REQUEST_MAX } from '../limits.ts';
import { requestServiceChild } from '../service/parent.ts';
import { ask } from './answer.ts';
import { parseAuthData } from './request.ts';
import type { FoundUser } from './result.ts';
import { authService } from './service.ts';

const NAME = 'authvmailmgr';
const REQUEST_FD = 3;
/** More words than imaplogin has. */
const ARGUMENTS_MAX = 1000;
const EXIT_FAILED = 1;

/** Does not return when there is a program to become; else exit code 1. */
export async function authvmailmgrMain(invocation: Invocation): Promise<number> {
  if (isServiceChild()) return requestServiceChild(authService(NAME), invocation);
  const { args, env } = invocation;
  if (env.AUTHENTICATED) handOn(args, env);
  const request = readRequest();
  try {
    const parsed = parseAuthData(textOf(request));
    // Modules after us cannot do better with another type: nobody but us knows virtual users.
    if (parsed.do !== 'login' || parsed.user === '' || parsed.password === '')
      throw new Permanent('Invalid or unsupported authentication type');
    const login = await resolve(parsed.user, parsed.password, env);
    if (login === undefined) return passOn(args, env, request);
    const user = await prove(invocation, login, parsed.password);
    await logIn(invocation, login, user);
    return EXIT_FAILED;
  } catch (error) {
    return fail(env, error);
  }
}

/** Undefined for a name that is no virtual user's: the next module may know it. */
async function resolve(
  user: string,
  password: string,
  env: Invocation['env'],
): Promise<Login | undefined> {
  try {
    const settings = openSettings({ env });
    const login = resolveLogin(user, { settings, localHost: env.TCPLOCALHOST });
    return login.virtualName === '' ? undefined : login;
  } catch (error) {
    if (faultOf(error, 'login').exitCode !== EXIT_LOGIN_REFUSED) throw error;
    await verifyPasswordAsync(bytesOf(password), undefined);
    return undefined;
  }
}

async function prove(
  { program, env }: Invocation,
  { base, virtualName }: Login,
  password: string,
): Promise<FoundUser> {
  const childEnv = { ...pathOnly(env), QMAILHOME: qmailHome(env) };
  const workers = new WorkerPool({ program, env: childEnv });
  try {
    const result = await ask({ workers }, base, { do: 'login', user: virtualName, password });
    if (result.verdict === 'ok') return result.user;
    const reason = result.verdict === 'refused' ? result.reason : 'no answer';
    throw new Permanent(reason, { exitCode: EXIT_LOGIN_REFUSED });
  } finally {
    await workers.drain();
  }
}

async function logIn({ args, env }: Invocation, { base, name }: Login, user: FoundUser) {
  const account = { USER: base.user, HOME: base.home };
  const settings = openSettings({ env });
  const hooks = settings.hooks('authvmailmgr-presetuid');
  const status = await runHooks(hooks, { env: { ...env, ...account, VUSER: user.env.VUSER } });
  if (status !== 0) throw new Temporary('Execution of authvmailmgr-presetuid failed');
  const next = programOf(args, env);
  become(base);
  const local = argText(asciiLower(name));
  execve(next, args, {
    ...env,
    ...account,
    ...user.env,
    MAILDIR: argText(user.maildir),
    AUTHADDR: local,
    AUTHFULLNAME: '',
    AUTHENTICATED: local,
    ...(user.quota !== '' && { MAILDIRQUOTA: user.quota }),
  });
}

function passOn(args: readonly string[], env: NodeJS.ProcessEnv, request: Buffer): never {
  const next = programOf(args, env);
  // A pipe holds far more than a request: nobody has to wait for a reader.
  const { read, write } = pipe();
  writeSync(write, request);
  closeSync(write);
  dup2(read, REQUEST_FD);
  return execve(next, args, env, { fds: [REQUEST_FD] });
}

function handOn(args: readonly string[], env: NodeJS.ProcessEnv): never {
  return execve(programOf(args, env), args, env);
}

function programOf([program]: readonly string[], env: NodeJS.ProcessEnv): string {
  if (program === undefined) throw new Permanent('no program to hand on to');
  return findProgram(program, env.PATH);
}

/** Tells the hooks, and starts the login program again, which tells the client. */
async function fail(env: Invocation['env'], error: unknown): Promise<number> {
  const { message, exitCode } = faultOf(error, 'internal error');
  // A refusal was told by the worker, who could run the domain's hooks too.
  if (exitCode !== EXIT_LOGIN_REFUSED) {
    const hooks = openSettings({ env }).hooks('authvmailmgr-error');
    await runHooks(hooks, { env: { ...env, AUTHVMAILMGR_ERROR: message } });
  }
  const count = Number(env.AUTHARGC ?? '');
  if (env.AUTHUSER && Number.isInteger(count) && count > 0 && count <= ARGUMENTS_MAX) {
    const words = Array.from({ length: count }, (_, i) => env[`AUTHARGV${i}`] ?? '');
    execve(findProgram(env.AUTHUSER, env.PATH), words, env);
  }
  process.stderr.write('AUTHFAILURE\n');
  return EXIT_FAILED;
}

/** Everything on descriptor 3, which is closed; nothing when there is no such descriptor. */
function readRequest(): Buffer {
  const buffer = Buffer.alloc(AUTH_REQUEST_MAX);
  let length = 0;
  try {
    while (length < buffer.length) {
      const count = readSync(REQUEST_FD, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    closeSync(REQUEST_FD);
  } catch (error) {
    if (errnoOf(error) !== 'EBADF') throw faultOf(error, 'unable to read descriptor 3');
  }
  return buffer.subarray(0, length);
}
