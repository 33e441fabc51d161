// The front process: takes connections and reads requests. Binds as root where it must, then has no rights
// for good; everything a client sends is parsed here.

import { openLog } from '@q/log';
import { messageOf } from '@q/service';
import { type Conn, listen, passSocket } from '@q/session';
import { ANSWER_TIMEOUT, CLIENT_SECONDS, GRACE_SECONDS } from '../limits.ts';
import type { FromFront, FrontConfig } from './messages.ts';
import type { RequestService } from './service.ts';

/** Serves until SIGTERM or until the parent is gone. Throws when it cannot listen. */
export async function frontProcess(service: RequestService, config: FrontConfig): Promise<number> {
  const log = openLog(service.name);
  const waiting = new Map<number, () => void>();
  let last = 0;
  process.on('message', (message) => {
    const ended = messageOf('ended', message);
    if (ended !== undefined) waiting.get(ended.id)?.();
  });
  const session = async (conn: Conn): Promise<void> => {
    const id = ++last;
    conn.idleTimeout = CLIENT_SECONDS;
    conn.deadline = Date.now() + CLIENT_SECONDS * 1000;
    const request = await service.read(conn, id, log);
    if (request === undefined) return;
    const { held } = await conn.handOver();
    const over = new Promise<void>((resolve) => waiting.set(id, resolve));
    const message: FromFront = { kind: 'request', id, request };
    const late = setTimeout(() => waiting.get(id)?.(), ANSWER_TIMEOUT);
    try {
      await passSocket(process, message, held);
      await over;
    } finally {
      clearTimeout(late);
      waiting.delete(id);
    }
  };
  // The socket is born with these bits, or fewer: at no moment with more.
  process.umask(0o777 & ~config.mode);
  const listener = await listen(session, { ...config.listen, graceSeconds: GRACE_SECONDS, log });
  process.send?.({ kind: 'listening' });
  const stop = () => {
    for (const resolve of waiting.values()) resolve();
    void listener.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  process.once('disconnect', stop);
  await listener.closed;
  return 0;
}
