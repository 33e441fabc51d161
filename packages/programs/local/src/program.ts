// Delivery to a program: `/bin/sh -c COMMAND` in the recipient's home, the message as its input.
// qmail-command(8).

import { errnoText, isFault, Permanent, Temporary } from '@q/fault';
import { type Child, type Exit, PERMANENT_EXITS, shellText, spawn } from '@q/proc';
import { PROGRAM_TIME } from './limits.ts';
import type { MessageFile } from './message-file.ts';
import type { WarmPrograms } from './warm-program.ts';

/** "Done, and forget the further lines of this file." */
const STOP = 99;

export interface ProgramOptions {
  /** Where programs are that need not be started. */
  readonly warm?: WarmPrograms | undefined;
  /** Milliseconds. */
  readonly timeLimit?: number;
}

/**
 * Runs `command` (latin1) and says whether the further lines count. It has our fd 1 and fd 2, where what
 * it prints becomes the report, SIGPIPE as usual, and a process group of its own. Throws a fault without
 * a text when the command failed: its own output tells the story.
 */
export async function deliverToProgram(
  command: string,
  env: NodeJS.ProcessEnv,
  message: MessageFile,
  options: ProgramOptions = {},
): Promise<'go on' | 'stop'> {
  message.rewind();
  const running =
    (await options.warm?.start(command, env, message.fd)) ?? (await startSh(command, env, message));
  const exit = await inTime(running, options.timeLimit ?? PROGRAM_TIME);
  if ('signal' in exit) throw new Temporary('Aack, child crashed. (#4.3.0)');
  if (exit.code === 0) return 'go on';
  if (exit.code === STOP) return 'stop';
  throw PERMANENT_EXITS.has(exit.code) ? new Permanent('') : new Temporary('');
}

/** A program that has been started. */
export interface Running {
  readonly exited: Promise<Exit>;
  /** Ends it; under sh, what it has started as well. */
  kill(): void;
}

async function startSh(
  command: string,
  env: NodeJS.ProcessEnv,
  message: MessageFile,
): Promise<Running> {
  let child: Child;
  try {
    child = await spawn({
      file: '/bin/sh',
      args: ['-c', shellText(cutAtNul(command))],
      env,
      stdio: [message.fd, 1, 2],
      detached: true,
    });
  } catch (error) {
    const reason = errnoText(isFault(error) && error.cause !== undefined ? error.cause : error);
    throw new Temporary(`Unable to run /bin/sh: ${reason}. (#4.3.0)`, { cause: error });
  }
  return { exited: child.exited, kill: () => child.killGroup('SIGKILL') };
}

async function inTime({ exited, kill }: Running, limit: number): Promise<Exit> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, limit);
  const exit = await exited;
  clearTimeout(timer);
  if (late) throw new Temporary('Program ran for too long and was ended. (#4.3.0)');
  return exit;
}

/** No argument can hold more. */
function cutAtNul(command: string): string {
  const nul = command.indexOf('\0');
  return nul < 0 ? command : command.slice(0, nul);
}
