// The program line of a virtual domain, "|/var/qmail/bin/vdeliver", without a shell and a new process for
// each message: by a warm vdeliver that belongs to this qmail-local alone. Any other line goes to sh.

import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Invocation } from '@q/proc';
import { WorkerPool } from '@q/warm';
import type { Running } from './program.ts';

/** Nothing that sh would do anything with but run it. vsetup(1) writes such a line. */
const PLAIN_PATH = /^\/[A-Za-z0-9_./:@%+,=-]*\/vdeliver$/;

export class WarmPrograms {
  readonly #vdeliver: string;
  readonly #env: Readonly<NodeJS.ProcessEnv>;
  readonly #workers = new WorkerPool({ total: 1 });

  /** For the qmail-local that was started so: the vdeliver meant is the one beside it. */
  constructor({ program, env }: Pick<Invocation, 'program' | 'env'>) {
    this.#vdeliver = join(dirname(program), 'vdeliver');
    this.#env = env;
  }

  /**
   * Starts `command` with `env` on the message, with our fd 1 and 2. Undefined when it is to be run by sh:
   * nothing has been done then.
   */
  async start(
    command: string,
    env: NodeJS.ProcessEnv,
    messageFd: number,
  ): Promise<Running | undefined> {
    if (!this.#isOurs(command) || !isText(env)) return undefined;
    const request = { file: command, args: ['--worker'], env: this.#env, cwd: '/' };
    const worker = await this.#workers.take(command, request);
    const exited = worker?.begin({ args: [], env }, [messageFd, 1, 2]);
    return worker && exited && { exited, kill: () => worker.end() };
  }

  close(): void {
    this.#workers.close();
  }

  #isOurs(command: string): boolean {
    if (!PLAIN_PATH.test(command)) return false;
    try {
      return realpathSync(command) === realpathSync(this.#vdeliver);
    } catch {
      return false;
    }
  }
}

/** U+FFFD may stand for bytes that are no text, and vdeliver looks for those in its process's own variables. */
function isText(env: NodeJS.ProcessEnv): boolean {
  return !Object.values(env).some((value) => value?.includes('\ufffd'));
}
