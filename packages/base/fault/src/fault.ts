// Success, temporary, permanent: the three outcomes of everything that handles mail.
// Exit codes are those of qmail's user-level programs: 111 try again, 100 will not change by itself.

import { errnoOf, errnoText, isTemporaryErrno } from './errno.ts';

/** Try again later: the disk is full, the name server is silent, a lock is busy. */
export class Temporary extends Error {
  override readonly name = 'Temporary';
  readonly exitCode: number;

  /** `exitCode` replaces 111 where a program's contract has a finer number (qmail-queue's 51-66). */
  constructor(message: string, options: { cause?: unknown; exitCode?: number } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.exitCode = options.exitCode ?? 111;
  }
}

/** Will not change by itself: no such user, a bad address, a wrong call. */
export class Permanent extends Error {
  override readonly name = 'Permanent';
  readonly exitCode: number;

  /** `exitCode` replaces 100 where a program's contract has a finer number (qmail-queue's 11, 31). */
  constructor(message: string, options: { cause?: unknown; exitCode?: number } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.exitCode = options.exitCode ?? 100;
  }
}

export type Fault = Temporary | Permanent;

/** True for an error that already carries its class. */
export function isFault(error: unknown): error is Fault {
  return error instanceof Temporary || error instanceof Permanent;
}

/**
 * Turns anything thrown into a fault; `what` says what was being done ("unable to open X").
 * A system error is classified by its errno, a fault is returned as it is, and whatever nobody
 * foresaw is Temporary: a bug of ours must never bounce or lose mail.
 */
export function faultOf(error: unknown, what: string): Fault {
  if (isFault(error)) return error;
  const code = errnoOf(error);
  if (code === undefined) {
    const detail = error instanceof Error ? error.message : String(error);
    return new Temporary(`${what}: ${detail}`, { cause: error });
  }
  const message = `${what}: ${errnoText(error)}`;
  return isTemporaryErrno(code)
    ? new Temporary(message, { cause: error })
    : new Permanent(message, { cause: error });
}
