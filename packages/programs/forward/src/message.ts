// The message on descriptor 0, fed to programs and put into the queue again.

import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { errnoText, faultOf, Permanent, Temporary } from '@q/fault';
import { readChunks, rewindFd } from '@q/fsx';
import { type Exit, PERMANENT_EXITS, shellText, spawn } from '@q/proc';
import { connectQueue, type QueueResult } from '@q/queue-socket';

type Env = Readonly<NodeJS.ProcessEnv>;

/** Every program and the queue get the message from its start: a pipe will not do. Throws Temporary. */
export function requireMessage(): void {
  let isFile = false;
  try {
    isFile = fstatSync(0).isFile();
  } catch {
    // Closed: nothing can be read either.
  }
  if (!isFile) throw new Temporary('unable to rewind input: it is not a file');
}

/**
 * Feeds the message, with `lines` (latin1) before it, to `/bin/sh -c command`. Throws a fault for another exit than 0;
 * with an empty text, because the program has said what is to be said.
 */
export async function feedProgram(command: string, lines: string, env: Env): Promise<void> {
  const exit = lines === '' ? await runOnFile(command, env) : await runOnPipe(command, lines, env);
  if ('signal' in exit) throw new Temporary(`child crashed in ${command}`);
  if (exit.code === 0) return;
  throw PERMANENT_EXITS.has(exit.code) ? new Permanent('') : new Temporary('');
}

async function runOnFile(command: string, env: Env): Promise<Exit> {
  rewind();
  const child = await spawn({ ...shell(command, env), stdio: [0, 1, 2] });
  return child.exited;
}

async function runOnPipe(command: string, lines: string, env: Env): Promise<Exit> {
  const child = await spawn({ ...shell(command, env), stdio: ['pipe', 1, 2] });
  const input = child.stdio[0];
  let ended = false;
  const exited = child.exited.finally(() => {
    ended = true;
  });
  try {
    // A program may end without having read everything; its exit code tells what that means.
    const drained = () => Promise.race([once(input as NonNullable<typeof input>, 'drain'), exited]);
    if (input?.write(bytesOf(lines)) === false) await drained().catch(() => {});
    for await (const chunk of messageChunks()) {
      if (ended || input?.destroyed === true) break;
      if (input?.write(Buffer.from(chunk)) === false) await drained().catch(() => {});
    }
    input?.end();
  } catch (error) {
    child.kill('SIGKILL'); // it must not take half a message for the whole
    await exited;
    throw error;
  }
  return exited;
}

function shell(command: string, env: Env) {
  return { file: '/bin/sh', args: ['-c', shellText(command)], env: { ...env } };
}

/** What is queued: the Delivered-To line, by which a loop is found out, and the message. */
export interface Copy {
  readonly home: string;
  readonly env: Env;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly deliveredTo: string;
}

/** Queues one message for all recipients and gives its number. Throws a fault with the queue's text. */
export async function queueCopy(copy: Copy): Promise<string> {
  const queue = connectQueue({ home: copy.home, env: copy.env, program: 'oneshot' });
  let result: QueueResult;
  try {
    const writer = await queue.open();
    try {
      await writer.write(bytesOf(copy.deliveredTo));
      for await (const chunk of messageChunks()) await writer.write(chunk);
    } catch (error) {
      writer.abort(); // nothing is queued of a message that could not be read whole
      throw error;
    }
    result = await writer.commit(copy.sender, copy.recipients);
  } catch (error) {
    throw faultOf(error, 'qq temporary problem (#4.3.0)');
  } finally {
    queue.close();
  }
  if (result.code === 0) return result.qp ?? '';
  const text = result.text.slice(1);
  throw result.text.startsWith('D') ? new Permanent(text) : new Temporary(text);
}

/** By position: no step depends on what another left of the shared offset. */
async function* messageChunks(): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* readChunks(0, 0);
  } catch (error) {
    throw new Temporary(`unable to read message: ${errnoText(error)}`, { cause: error });
  }
}

function rewind(): void {
  try {
    rewindFd(0);
  } catch (error) {
    throw new Temporary(`unable to rewind input: ${errnoText(error)}`, { cause: error });
  }
}
