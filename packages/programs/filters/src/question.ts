// A program is run on the message, and its exit code is the answer to a yes-or-no question:
// bouncesaying(1), condredirect(1), except(1).

import { isFault, Permanent, Temporary } from '@q/fault';
import { type Exit, spawn } from '@q/proc';
import { EXIT } from './exit-codes.ts';

/**
 * Runs `words` (a program, looked up in PATH, and its arguments) with our own descriptors 0-2 and
 * environment, and says whether it exits 0. A program that cannot be executed says no, unless that may
 * pass. Throws Temporary when it crashes, exits 111, or may be executable later.
 */
export async function saysYes(
  words: readonly string[],
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<boolean> {
  const [file = '', ...args] = words;
  let exit: Exit;
  try {
    const child = await spawn({ file, args, env, stdio: [0, 1, 2] });
    exit = await child.exited;
  } catch (error) {
    if (isFault(error) && error instanceof Permanent) return false;
    throw new Temporary(TEMPORARY_ERROR, { cause: error });
  }
  if ('signal' in exit) throw new Temporary('child crashed');
  if (exit.code === EXIT.TEMPORARY) throw new Temporary(TEMPORARY_ERROR);
  return exit.code === EXIT.OK;
}

const TEMPORARY_ERROR = 'temporary child error';
