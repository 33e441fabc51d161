// The parent of a resident service: who may be one, and how it ends. SIGTERM stops the front, the process that
// faces strangers; when that is gone the workers end, and then we. If the front dies the service ends, and
// whoever supervises starts it again.

import { qmailHome } from '@q/control';
import { Permanent } from '@q/fault';
import type { Log } from '@q/log';
import { type Invocation, pathOnly } from '@q/proc';
import { isPrivateInstance } from '@q/users';
import type { ChildPlaces, ServiceChild } from './child.ts';

/**
 * How a service starts its children, who have `variables` of its environment, too. Throws Permanent unless this is root, or the owner of a private instance,
 * where the same processes run, all as the one user.
 */
export function servicePlaces(
  { program, env }: Pick<Invocation, 'program' | 'env'>,
  variables: readonly string[] = [],
): ChildPlaces {
  const home = qmailHome(env);
  const euid = process.geteuid?.() ?? 0;
  if (euid !== 0 && !isPrivateInstance(home, euid))
    throw new Permanent(`must be run by root, or by the owner of a private ${home}`);
  const passed = Object.fromEntries(variables.map((name) => [name, env[name]]));
  return { program, env: { ...passed, ...pathOnly(env), QMAILHOME: home } };
}

export interface Supervised {
  /** The process that faces strangers, and what the log calls it. */
  readonly front: ServiceChild;
  readonly name: string;
  readonly log: Log;
  /** At SIGTERM, beside passing it on to the front. */
  stopping?(): void;
  /** Ends the workers. */
  end(): Promise<void>;
}

/** Runs until the front has ended; its exit code, 0 after SIGTERM. */
export async function supervise({ front, name, log, stopping, end }: Supervised): Promise<number> {
  const stop = () => {
    front.kill('SIGTERM');
    stopping?.();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  const code = await front.exited;
  if (code !== 0) log(`warning: ${name} ended with exit code ${code}; stopping`);
  await end();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop);
  return code;
}
