// A worker: one process for each domain owner, with that user's rights and in that user's home. It reads and
// changes the table, which the user owns and could have filled with anything.

import { faultOf } from '@q/fault';
import { escapeForLog, openLog } from '@q/log';
import { heldSocketOf } from '@q/session';
import { become } from '@q/vmailmgr';
import { messageOf, type WorkerConfig } from './messages.ts';
import type { Env, Service } from './service.ts';

/** Works until the parent lets go and the last work is done. Throws when it cannot become the account. */
export async function workerProcess(
  service: Service,
  { account }: WorkerConfig,
  env: Env,
): Promise<number> {
  const log = openLog(service.name);
  const running = new Set<Promise<void>>();
  const released = new Promise<void>((resolve) => process.once('disconnect', resolve));
  // The parent decides when work is over; a signal to the whole group must not cut it.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  become(account);
  process.on('message', (message, handle) => {
    const held = heldSocketOf(handle);
    const work = messageOf('work', message);
    if (work === undefined) return;
    const done = service
      .work(work.work, held, { env, account, log })
      .catch((error: unknown) => {
        const { message } = faultOf(error, 'internal error');
        log(`warning: uid ${account.uid}: ${escapeForLog(message)}`);
        held?.close();
        return undefined;
      })
      .then((result) => {
        running.delete(done);
        if (process.connected)
          process.send?.({ kind: 'worked', id: work.id, result }, undefined, undefined, () => {});
      });
    running.add(done);
  });
  await released;
  while (running.size > 0) await Promise.all(running);
  return 0;
}
