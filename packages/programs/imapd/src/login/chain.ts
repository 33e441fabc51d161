// The head of Courier's old chain of modules (Courier-IMAP 1.x to 3.x), of which authvmailmgr(8) is one.
//
//   imaplogin ─exec─► module ─exec─► next module ─exec─► ... ─exec─► imapd Maildir
//             fd 3: service LF "login" LF user LF password LF, end of file
//
// Who knows the user sets AUTHENTICATED; the last one who does not starts AUTHUSER with AUTHARGV0 ... AUTHARGVn.

import { closeSync, writeSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { dup2, execve, forgetChildren, pipe } from '@q/posix';
import { type Exit, spawn } from '@q/proc';
import type { SubmittedLogin } from './dialogue.ts';

const REQUEST_FD = 3;

/** A first argument that is a module and no host name: a path, or a name that begins with "auth" and has no dot. */
export function isModule(word: string): boolean {
  return word.includes('/') || /^auth[^.]*$/.test(word);
}

/** The bytes for descriptor 3; undefined for a name or password that would be more than one line. */
export function encodeRequest({ user, password }: SubmittedLogin): Buffer | undefined {
  if (/[\n\0]/.test(user + password)) return undefined;
  return bytesOf(`imap\nlogin\n${user}\n${password}\n`);
}

/** What tells the chain where to return to. */
export function returnAddress(program: string, args: readonly string[]): NodeJS.ProcessEnv {
  const words = [program, ...args];
  const env: NodeJS.ProcessEnv = { AUTHUSER: program, AUTHARGC: String(words.length) };
  for (const [index, word] of words.entries()) env[`AUTHARGV${index}`] = word;
  return env;
}

/** This process becomes the module, which is `program`. Throws a fault when it cannot. */
export function becomeModule(
  program: string,
  argv: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  request: Buffer,
): never {
  // A pipe holds far more than a request: nobody has to wait for a reader.
  const { read, write } = pipe();
  writeSync(write, request);
  closeSync(write);
  // From here on descriptor 3, which is Node's own, is the module's: nothing but the exec may follow.
  forgetChildren();
  dup2(read, REQUEST_FD);
  return execve(program, argv, env, { fds: [REQUEST_FD] });
}

/** Runs the module for a client behind `fd`, until the whole chain is over. */
export async function runModule(
  argv: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  request: Buffer,
  fd: number,
  started: () => void,
): Promise<Exit> {
  const [file, ...args] = argv;
  const child = await spawn({ file, args, env, stdio: [fd, fd, 2, 'pipe'] });
  started();
  child.stdio[REQUEST_FD]?.end(request);
  return child.exited;
}
