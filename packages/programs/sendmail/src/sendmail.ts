// sendmail(8), mailq(1), and newaliases by that name: what programs that send mail expect to find on every Unix host.
// It reads its options and becomes the program that does the work, with the caller's descriptors, uid and pid.

import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { qmailHome } from '@q/control';
import { errnoText, Permanent, Temporary } from '@q/fault';
import { programBeside } from '@q/fsx';
import { execve } from '@q/posix';
import type { Invocation } from '@q/proc';
import { injectEnvironment, smtpEnvironment } from './environment.ts';
import { parseOptions, type Request } from './options.ts';

const USAGE = 'usage: sendmail [ -t ] [ -fsender ] [ -Fname ] [ -bp ] [ -bs ] [ -bi ] [ arg ... ]';
const EXIT_USAGE = 100;

/** Becomes another program, or returns the exit code. Throws a fault when that program cannot be run. */
export function sendmailMain(invocation: Invocation): number {
  const request = requestOf(invocation);
  if (request === undefined) {
    process.stderr.write(`sendmail: ${USAGE}\n`);
    return EXIT_USAGE;
  }
  const { program, env } = invocation;
  switch (request.job) {
    case 'nothing':
      return 0;
    case 'make aliases':
      return become(program, 'newaliases', [], env);
    case 'list the queue':
      enterHome(env);
      return become(program, 'qmail-qread', [], env);
    case 'speak SMTP':
      enterHome(env);
      return become(program, 'qmail-smtpd', [], smtpEnvironment(env));
    case 'send':
      enterHome(env);
      return become(
        program,
        'qmail-inject',
        injectArguments(request),
        injectEnvironment(env, request),
      );
  }
}

/** The name decides before the options do: "mailq -v" is a mailq. */
function requestOf({ program, args }: Invocation): Request | undefined {
  switch (basename(program)) {
    case 'mailq':
      return { job: 'list the queue' };
    case 'newaliases':
      return { job: 'make aliases' };
    default:
      return parseOptions(args);
  }
}

function injectArguments(request: Extract<Request, { job: 'send' }>): string[] {
  return [
    request.headerRecipients ? '-H' : '-a',
    ...(request.sender === undefined ? [] : ['-f', request.sender]),
    '--',
    ...request.recipients,
  ];
}

/** As ever, what runs then does so in qmail's home: relative names in its environment are relative to that. */
function enterHome(env: Invocation['env']): void {
  try {
    process.chdir(qmailHome(env));
  } catch (error) {
    throw new Temporary(`unable to switch to qmail home directory: ${errnoText(error)}`, {
      cause: error,
    });
  }
}

function become(
  program: string,
  name: string,
  args: readonly string[],
  env: Readonly<NodeJS.ProcessEnv>,
): never {
  const path = sibling(program, name);
  try {
    execve(path, [path, ...args], env);
  } catch (error) {
    throw new Temporary(`unable to run ${name}: ${errnoText(error)}`, { cause: error });
  }
}

/** Never this very program, or a link named newaliases would run for ever. */
function sibling(program: string, name: string): string {
  const found = programBeside(program, name);
  if (found !== undefined) return found;
  if (name === 'newaliases') throw new Permanent('please use fastforward/newaliases instead');
  throw new Temporary(`unable to run ${name}: not found in ${dirname(realpathSync(program))}`);
}
