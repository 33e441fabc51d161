// The front process: takes connections and reads requests. Binds as root where it must, then has no rights
// for good; everything a client sends is parsed here. Passwords that are guessed wait here for their turn.

import { escapeForLog, type Log, openLog, quoteForLog } from '@q/log';
import { messageOf } from '@q/service';
import { type Conn, listen, passSocket } from '@q/session';
import { LoginThrottle } from '@q/throttle';
import { ANSWER_TIMEOUT, CLIENT_SECONDS, GRACE_SECONDS } from '../limits.ts';
import type { FromFront, FrontConfig, Verdict } from './messages.ts';
import type { Guess, RequestService } from './service.ts';

/** Serves until SIGTERM or until the parent is gone. Throws when it cannot listen. */
export async function frontProcess(service: RequestService, config: FrontConfig): Promise<number> {
  const log = openLog(service.name);
  const throttle = new LoginThrottle();
  const waiting = new Map<number, (verdict?: unknown) => void>();
  let last = 0;
  process.on('message', (message) => {
    const ended = messageOf('ended', message);
    if (ended !== undefined) waiting.get(ended.id)?.(ended.verdict);
  });
  /** Has the parent answer; resolves to what it says of a password. */
  const ask = async (conn: Conn, id: number, request: unknown): Promise<unknown> => {
    const { held } = await conn.handOver();
    const over = new Promise<unknown>((resolve) => waiting.set(id, resolve));
    const message: FromFront = { kind: 'request', id, request };
    const late = setTimeout(() => waiting.get(id)?.(), ANSWER_TIMEOUT);
    try {
      await passSocket(process, message, held);
      return await over;
    } finally {
      clearTimeout(late);
      waiting.delete(id);
    }
  };
  const session = async (conn: Conn): Promise<void> => {
    const id = ++last;
    conn.idleTimeout = CLIENT_SECONDS;
    conn.deadline = Date.now() + CLIENT_SECONDS * 1000;
    const request = await service.read(conn, id, log);
    if (request === undefined) return;
    conn.deadline = undefined;
    await throttled(throttle, service.guess(request), () => ask(conn, id, request), log);
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

/**
 * Waits for the turn of a guess before the password is looked at, and remembers what it was. Who has too many turns
 * before his own gets no answer, which clients take for "try again later".
 */
async function throttled(
  throttle: LoginThrottle,
  guess: Guess | undefined,
  ask: () => Promise<unknown>,
  log: Log,
): Promise<void> {
  if (guess === undefined) {
    await ask();
    return;
  }
  const outcome = await throttle.inTurn(guess.ip, guess.account, async (turn) => {
    const verdict = (await ask()) as Verdict | undefined;
    if (verdict === 'right') turn.succeeded();
    // The answer has left; the parent was slow enough about it.
    else if (verdict === 'wrong') turn.failed();
  });
  if (outcome === 'too many')
    log(`login refused ip=${escapeForLog(guess.ip ?? '')} user="${quoteForLog(guess.account)}"`);
}
