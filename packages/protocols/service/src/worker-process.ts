// A worker: one process for each account, with that user's rights and in that user's home. What it reads there
// belongs to the user, who could have filled it with anything.

import { faultOf } from '@q/fault';
import { escapeForLog, type Log, openLog } from '@q/log';
import { type HeldSocket, heldSocketOf } from '@q/session';
import { type BaseUser, become } from '@q/vmailmgr';
import { type Role, tellParent } from './child.ts';
import { messageOf } from './fields.ts';
import { stir } from './rest.ts';
import type { WorkerConfig } from './worker.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface WorkerPlaces {
  readonly env: Env;
  readonly account: BaseUser;
  readonly log: Log;
}

/** What a service does in a worker. */
export interface WorkerPart {
  /** One piece of work; several may be under way. `held` is a client, which is this function's to close. */
  work(work: unknown, held: HeldSocket | undefined): Promise<unknown>;
  /**
   * SIGTERM: what is under way is to end soon, and then the process. Without this the signal is ignored: the parent
   * decides when work is over, and a signal to the whole group must not cut it.
   */
  stop?(): void;
  /** All work is done, and the process is about to end. */
  end?(): Promise<void>;
}

/** The role of a worker; `name` is the program's, for the log. */
export function workerRole(name: string, part: (places: WorkerPlaces) => WorkerPart): Role {
  return (config, env) => workerProcess(name, config as WorkerConfig, env, part);
}

/** Works until the parent lets go, or SIGTERM comes, and the last work is done. Throws when it cannot become the account. */
async function workerProcess(
  name: string,
  { account }: WorkerConfig,
  env: Env,
  open: (places: WorkerPlaces) => WorkerPart,
): Promise<number> {
  const log = openLog(name);
  const running = new Set<Promise<void>>();
  let part: WorkerPart | undefined;
  // Before anything else: the default of a signal would end us.
  const over = new Promise<void>((resolve) => {
    process.once('disconnect', resolve);
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        if (part?.stop === undefined) return;
        part.stop();
        resolve();
      });
  });
  // The parent of a private instance is no root: then this only checks.
  become(account);
  part = open({ env, account, log });
  stir();
  const { work } = part;
  process.on('message', (message, handle) => {
    const held = heldSocketOf(handle);
    const asked = messageOf('work', message);
    if (asked === undefined) return;
    const { id } = asked;
    stir();
    // Once that is written nobody else is given this client; until then nothing is read from it.
    const taken = held && tellParent({ kind: 'taken', id });
    const begin = () => work(asked.work, held);
    const done = (taken === undefined ? begin() : taken.then(begin))
      .catch((error: unknown) => {
        const { message } = faultOf(error, 'internal error');
        log(`warning: uid ${account.uid}: ${escapeForLog(message)}`);
        held?.close();
        return undefined;
      })
      .then((result) => {
        running.delete(done);
        stir();
        void tellParent({ kind: 'worked', id, result });
      });
    running.add(done);
  });
  await over;
  while (running.size > 0) await Promise.all(running);
  await part.end?.();
  return 0;
}
