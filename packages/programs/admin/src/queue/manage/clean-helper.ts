// qmail-clean as a helper: mess, intd and todo belong to qmailq, and removing there is qmail-clean's one job.
// So no tool needs rights for it.

import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Child, pathOnly, spawn } from '@q/proc';
import type { QmailIds } from '@q/users';

export class CleanHelper {
  readonly #child: Child;
  readonly #requests: Duplex;
  readonly #answers: AsyncIterator<Buffer>;

  private constructor(child: Child) {
    this.#child = child;
    this.#requests = child.stdio[0] as Duplex;
    this.#answers = (child.stdio[1] as Duplex)[Symbol.asyncIterator]();
  }

  /** Starts the qmail-clean that stands beside `program`, as qmailq. Throws a fault when it cannot be started. */
  static async start(
    program: string,
    env: Readonly<NodeJS.ProcessEnv>,
    ids: QmailIds,
  ): Promise<CleanHelper> {
    const child = await spawn({
      file: join(dirname(program), 'qmail-clean'),
      args: [],
      env: pathOnly(env),
      stdio: ['pipe', 'pipe', 2],
      ...(ids.single ? {} : { uid: ids.qmailq, gid: ids.qmail }),
    });
    return new CleanHelper(child);
  }

  /** `todo` takes a message out of todo, `foop` removes what is left of it. True when that is done. */
  async request(verb: 'todo' | 'foop', id: string): Promise<boolean> {
    this.#requests.write(`${verb}/${id}\0`);
    const { value, done } = await this.#answers.next();
    return done !== true && value.toString('latin1') === '+';
  }

  async close(): Promise<void> {
    this.#requests.end();
    await this.#child.exited;
  }
}
