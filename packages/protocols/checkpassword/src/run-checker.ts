// The caller's end of the checkpassword interface: starts PROGRAM ARGS... with the login on descriptor 3.

import { type Exit, spawn } from '@q/proc';

export interface CheckerRequest {
  /** The checker, then what it is to run once the password is right: `checkvpw qmail-pop3d Maildir`. */
  readonly argv: readonly [string, ...string[]];
  /** The whole environment: a checker reads TCPLOCALHOST and the like from it and hands it on. */
  readonly env: NodeJS.ProcessEnv;
  /** From encodeCredentials. */
  readonly credentials: Buffer;
  /** Descriptors of ours that become 0, 1 and 2 there. Nothing may have been read ahead from the first. */
  readonly stdio?: readonly [number, number, number];
  /** Called when the checker has its descriptors, and we may close ours. */
  started?(): void;
}

/**
 * Runs the checker and waits for its end, which is the end of the session when the password was right.
 * Rejects with a fault when it cannot be started. Note that its start clears O_NONBLOCK on descriptors
 * 0-2, which we share with it: stop using them before.
 */
export async function runChecker(request: CheckerRequest): Promise<Exit> {
  const [file, ...args] = request.argv;
  const child = await spawn({
    file,
    args,
    env: request.env,
    stdio: [...(request.stdio ?? [0, 1, 2]), 'pipe'],
  });
  request.started?.();
  // A checker that exits unread breaks the pipe; its exit code says all there is to say.
  child.stdio[3]?.end(request.credentials);
  return child.exited;
}
