// A worker: one process for each uid, with that user's rights and in that user's home. It reads the table
// of virtual users, which the user owns and could have filled with anything, and the maildirs.

import { statSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import { escapeForLog, openLog } from '@q/log';
import { dropPrivileges } from '@q/posix';
import { argText } from '@q/proc';
import {
  type Conn,
  connOfAccepted,
  Disconnected,
  type HeldSocket,
  heldSocketOf,
  socketOfHeld,
  Timeout,
} from '@q/session';
import {
  authenticateVirtual,
  EXIT_LOGIN_REFUSED,
  openSettings,
  openUserTable,
  type VirtualUser,
} from '@q/vmailmgr';
import { IDLE_SECONDS, LINGER_SECONDS } from '../limits.ts';
import { newTally, serveMailbox, type Tally } from '../session.ts';
import { afterLogin, afterRefusal } from './hooks.ts';
import { GRACE_SECONDS } from './limits.ts';
import type { FromWorker, ToWorker, WorkerConfig } from './messages.ts';

/** Serves until SIGTERM, or until the parent lets go and the last session is over. */
export async function workerProcess(config: WorkerConfig, env: NodeJS.ProcessEnv): Promise<number> {
  const { name, uid, gid, home } = config.account;
  // The parent of a private instance is no root: then the account is its own, and this only checks.
  dropPrivileges({ uid, gid, groups: name });
  try {
    process.chdir(home);
  } catch (error) {
    throw faultOf(error, `unable to chdir to ${home}`);
  }
  const worker = new Worker(config, env);
  process.on('message', (message: ToWorker, handle) => worker.onMessage(message, handle));
  process.once('disconnect', () => worker.retire());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => worker.stop());
  await worker.done;
  return 0;
}

class Worker {
  readonly #config: WorkerConfig;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log = openLog('qmail-pop3d');
  readonly #conns = new Set<Conn>();
  readonly done: Promise<void>;
  #finish: () => void = () => {};
  #retired = false;

  constructor(config: WorkerConfig, env: NodeJS.ProcessEnv) {
    this.#config = config;
    this.#env = env;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  onMessage(message: ToWorker, handle: unknown): void {
    if (message.kind === 'check') {
      void this.#check(message).then((answer) =>
        tell({ kind: 'checked', id: message.id, ...answer }),
      );
      return;
    }
    const held = heldSocketOf(handle);
    const served = held === undefined ? Promise.resolve(undefined) : this.#serve(held, message);
    void served.then((tally) => tell({ kind: 'ended', id: message.id, ...(tally && { tally }) }));
  }

  /** No more work will come. */
  retire(): void {
    this.#retired = true;
    if (this.#conns.size === 0) this.#finish();
  }

  /** Sessions that wait for a command end now; others get a little time. */
  stop(): void {
    this.retire();
    for (const conn of this.#conns) conn.stop(GRACE_SECONDS);
  }

  async #check(login: ToWorker & { kind: 'check' }): Promise<Pick<Checked, 'verdict' | 'maildir'>> {
    const { account, maildir } = this.#config;
    const env = this.#env;
    const settings = openSettings({ home: account.home, env });
    try {
      const table = openUserTable(account.home, settings);
      let user: VirtualUser;
      try {
        const password = bytesOf(login.password);
        user = await authenticateVirtual(table, login.user, password, undefined, login.stamp);
      } finally {
        table.close();
      }
      await afterLogin(settings, account, login.user, user, env);
      const own = user.directory === '' ? maildir : argText(user.directory);
      const there = statSync(own, { throwIfNoEntry: false })?.isDirectory() === true;
      return { verdict: 'ok', maildir: there ? own : argText(settings.directory('error-maildir')) };
    } catch (error) {
      const fault = faultOf(error, 'unable to check a password');
      if (fault.exitCode === EXIT_LOGIN_REFUSED) {
        await afterRefusal(settings, account, login.user, fault.message, env);
        return { verdict: 'refused' };
      }
      this.#log(`warning: uid ${account.uid}: ${escapeForLog(fault.message)}`);
      return { verdict: 'temporary' };
    }
  }

  async #serve(held: HeldSocket, { rest, maildir }: ToWorker & { kind: 'serve' }): Promise<Tally> {
    const socket = socketOfHeld(held);
    const conn = connOfAccepted(socket, { idleTimeout: IDLE_SECONDS, linger: LINGER_SECONDS });
    conn.unread(bytesOf(rest));
    const tally = newTally();
    this.#conns.add(conn);
    try {
      await serveMailbox(conn, maildir, tally);
    } catch (error) {
      if (!(error instanceof Timeout || error instanceof Disconnected))
        this.#log(`warning: ${escapeForLog(faultOf(error, 'internal error').message)}`);
    } finally {
      await conn.close();
      this.#conns.delete(conn);
      if (this.#retired && this.#conns.size === 0) this.#finish();
    }
    return tally;
  }
}

type Checked = FromWorker & { kind: 'checked' };

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
