// What was being done when a system call failed goes into the message.

import { faultOf } from '@q/fault';

/** Runs `act`; a system error that it throws becomes a fault that begins with `what`. Faults pass. */
export async function doing<T>(what: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw faultOf(error, what);
  }
}
