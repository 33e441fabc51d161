// preline(1): runs a command with the From_, Return-Path and Delivered-To lines before its message.

import { bytesOf } from '@q/bytes';
import { errnoOf, errnoText, faultOf, isFault, Temporary } from '@q/fault';
import { closeFd, stdinChunks, writeFully } from '@q/fsx';
import { pipe } from '@q/posix';
import { type Child, type Invocation, spawn } from '@q/proc';
import { EXIT } from './exit-codes.ts';
import { parseFlags } from './flags.ts';
import { report } from './report.ts';
import { deliveryVariable } from './requeue.ts';

/** The letters that turn a line off; in capitals, on again. The order is that of the output. */
const LINES = [
  { letter: 'f', variable: 'UFLINE' },
  { letter: 'r', variable: 'RPLINE' },
  { letter: 'd', variable: 'DTLINE' },
] as const;

/** Exits as the command does. Throws a fault when it cannot be run, crashes, or cannot be fed. */
export async function prelineMain({ args, env }: Invocation): Promise<number> {
  const flags = parseFlags(args, 'frdFRD');
  if (flags === undefined || flags.words.length === 0) {
    report('preline: usage: preline [-frdFRD] cmd [ arg ... ]');
    return EXIT.PERMANENT;
  }
  const lines = LINES.map(({ letter, variable }) => ({
    letter,
    text: deliveryVariable(env, variable),
  }));
  const off = new Set<string>();
  for (const { letter } of flags.given) {
    if (letter === letter.toLowerCase()) off.add(letter);
    else off.delete(letter.toLowerCase());
  }
  const head = lines.filter(({ letter }) => !off.has(letter)).map(({ text }) => text);
  return runWithHead(flags.words, bytesOf(head.join('')), env);
}

async function runWithHead(
  words: readonly string[],
  head: Buffer,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<number> {
  // A pipe, which a command may also open as /dev/stdin; what Node makes for children is a socket.
  const { read, write } = pipe();
  const child = await start(words, read, env);
  await closeFd(read);
  try {
    await feed(write, head);
  } catch (error) {
    child.kill('SIGKILL'); // or it would take half a message for the whole
    throw error;
  } finally {
    await closeFd(write);
  }
  const exit = await child.exited;
  if ('signal' in exit) throw new Temporary('child crashed');
  return exit.code;
}

async function start(
  words: readonly string[],
  input: number,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<Child> {
  const [file = '', ...args] = words;
  try {
    return await spawn({ file, args, env, stdio: [input, 1, 2] });
  } catch (error) {
    throw faultOf(isFault(error) ? error.cause : error, `unable to run ${file}`);
  }
}

/** The lines, then descriptor 0 from where it stands. */
async function feed(output: number, head: Buffer): Promise<void> {
  try {
    await writeFully(output, head);
    for await (const chunk of stdinChunks(null)) await writeFully(output, chunk);
  } catch (cause) {
    // A command that has read enough may close its input: its exit code is the answer.
    if (errnoOf(cause) === 'EPIPE') return;
    throw new Temporary(`unable to copy input: ${errnoText(cause)}`, { cause });
  }
}
