// dot-forward(1): delivers a message by the user's .forward file. It is run from ~/.qmail, or from the default delivery.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type ForwardFile, type Hosts, parseForwardFile, readHosts } from '@q/aliases';
import { textOf } from '@q/bytes';
import { openControl, qmailHome } from '@q/control';
import { errnoOf, errnoText, faultOf, isFault, Permanent, Temporary } from '@q/fault';
import { type Invocation, mailText } from '@q/proc';
import { isOn, parseFlags, printLines } from './flags.ts';
import { FORWARD_FILE_MAX } from './limits.ts';
import { feedProgram, queueCopy, requireMessage } from './message.ts';

const NAME = 'dot-forward';
/** The further lines of .qmail count. */
const EXIT_DIRECT = 0;
/** qmail-local: and forget them. */
const EXIT_STOP = 99;
const EXIT_USAGE = 100;

/** Returns 0 when the message is to be delivered to the user, else 99; 100 for a wrong call. Throws faults. */
export async function dotForwardMain({ args, env }: Invocation): Promise<number> {
  const parsed = parseFlags(NAME, args, 'nN');
  if (parsed === undefined) {
    process.stderr.write(`${NAME}: usage: ${NAME} [ -nN ] file ...\n`);
    return EXIT_USAGE;
  }
  const onlyShow = isOn(parsed.flags, 'n', 'N');
  const file = firstFile(parsed.rest, env, onlyShow);
  if (onlyShow) show(file);
  else if (file !== undefined) {
    const exit = await deliver(file, env).catch(told);
    if (exit !== undefined) return exit;
  }
  return file === undefined || file.direct ? EXIT_DIRECT : EXIT_STOP;
}

/** A program that failed has said why. */
function told(error: unknown): number {
  if (isFault(error) && error.message === '') return error.exitCode;
  throw error;
}

/** The first file that is there and says something. */
function firstFile(
  paths: readonly string[],
  env: Invocation['env'],
  tell: boolean,
): ForwardFile | undefined {
  const user = { name: mailText(env.USER ?? ''), host: mailText(env.HOST ?? '') };
  let hosts: Hosts | undefined;
  for (const path of paths) {
    const text = readForwardFile(path);
    if (text === undefined) continue;
    hosts ??= readHosts(openControl(qmailHome(env)));
    const file = parseForwardFile(text, hosts, user);
    if (file !== undefined) return file;
    if (tell) process.stderr.write(`skipping empty file ${path}\n`);
  }
  return undefined;
}

/** Undefined for a file that is not there. Throws Temporary for everything else that is not a user's own text. */
function readForwardFile(path: string): string | undefined {
  let fd: number;
  try {
    // A FIFO must not hold the delivery up.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new Temporary(`unable to open ${path}: ${errnoText(error)}`, { cause: error });
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Temporary(`unable to read ${path}: not a regular file`);
    if ((stats.mode & 0o002) !== 0) throw new Temporary(`${path} is world-writable`);
    if (stats.size > FORWARD_FILE_MAX) throw new Temporary(`${path} is too large`);
    const bytes = Buffer.alloc(FORWARD_FILE_MAX + 1);
    let size = 0;
    for (let got = -1; got !== 0 && size < bytes.length; size += got)
      got = readSync(fd, bytes, size, bytes.length - size, null);
    if (size > FORWARD_FILE_MAX) throw new Temporary(`${path} is too large`);
    return textOf(bytes.subarray(0, size));
  } catch (error) {
    if (isFault(error)) throw error;
    throw new Temporary(`unable to read ${path}: ${errnoText(error)}`, { cause: error });
  } finally {
    closeSync(fd);
  }
}

function show(file: ForwardFile | undefined): void {
  const lines = [
    ...(file?.addresses ?? []).map((address) => `forward ${address}`),
    ...(file?.programs ?? []).map((program) => `pipe through ${program}`),
    ...(file === undefined || file.direct ? ['direct delivery'] : []),
  ];
  printLines(lines);
}

/** Programs first: if one fails, nothing has been queued that a later attempt would queue again. */
async function deliver(file: ForwardFile, env: Invocation['env']): Promise<undefined> {
  if (file.programs.length === 0 && file.addresses.length === 0) return undefined;
  requireMessage();
  const line = (name: string) => mailText(env[name] ?? '');
  const lines = line('UFLINE') + line('RPLINE') + line('DTLINE');
  for (const program of file.programs) await feedProgram(program, lines, env);
  if (file.addresses.length === 0) return undefined;
  const sender = env.NEWSENDER ?? env.SENDER;
  if (sender === undefined) throw new Permanent('$NEWSENDER must be set');
  const copy = { home: qmailHome(env), env, sender: mailText(sender), recipients: file.addresses };
  try {
    const qp = await queueCopy({ ...copy, deliveredTo: line('DTLINE') });
    process.stderr.write(`${NAME}: info: qp ${qp}\n`);
  } catch (error) {
    const fault = faultOf(error, 'qq temporary problem (#4.3.0)');
    const text = `unable to forward message: ${fault.message}`;
    const options = { cause: error, exitCode: fault.exitCode };
    throw fault instanceof Permanent ? new Permanent(text, options) : new Temporary(text, options);
  }
  return undefined;
}
