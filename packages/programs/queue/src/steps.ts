// The steps of queueing a message, and the exit code of qmail-queue(8) that trouble in each of them has.

import { errnoOf, errnoText, Temporary } from '@q/fault';
import { QueueExit } from '@q/queue-socket';

/** Takes one step and waits for it; its trouble becomes a fault with qmail-queue's exit code for it. */
export async function step<T>(
  exitCode: number,
  what: string,
  action: () => Promise<T> | T,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw faultFor(exitCode, what, error);
  }
}

/** The same for a step that is done at once. */
export function stepNow<T>(exitCode: number, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw faultFor(exitCode, what, error);
  }
}

/** The fault that trouble in a step is. */
export function faultFor(exitCode: number, what: string, error: unknown): Temporary {
  const code = errnoOf(error) === 'ENOMEM' ? QueueExit.NO_MEMORY : exitCode;
  return new Temporary(`${what}: ${errnoText(error)}`, { cause: error, exitCode: code });
}
