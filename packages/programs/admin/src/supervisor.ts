// Runs an instance's services in the foreground: starts them, writes down what they say, starts again
// what dies, and stops all of them on request. Each service has a process group of its own, so that a
// Ctrl-C on the terminal reaches only the supervisor, which then ends them in order.

import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Temporary } from '@q/fault';
import { type Child, type Exit, spawn } from '@q/proc';
import { endGroups } from './process-groups.ts';

export interface Service {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
}

export interface Supervisor {
  /** Ends all services and resolves when they and their children are gone. */
  stop(): Promise<void>;
  /** Rejects when a service keeps dying before `ready` was called. */
  readonly failed: Promise<never>;
  /** From now on a dying service is started again for ever. */
  ready(): void;
}

/** A service that lives shorter than this was not really up, in milliseconds. */
const SHORT_LIFE = 1000;
/** Pause before a service that died at once is started again, in milliseconds. */
const PAUSE = 1000;
/** Early deaths after which starting up is given up. */
const EARLY_DEATHS = 3;
/** Size at which the log begins anew, in bytes; one old log is kept. */
const LOG_MAX = 10_000_000;

/** Starts `services` with QMAILHOME = `dir`; what they print goes to DIR/log/current. */
export async function supervise(
  dir: string,
  env: NodeJS.ProcessEnv,
  services: readonly Service[],
): Promise<Supervisor> {
  const keeper = new Keeper(dir, env);
  const kept = services.map((service) => keeper.keep(service));
  return {
    failed: keeper.failed,
    ready: () => {
      keeper.up = true;
    },
    stop: async () => {
      await keeper.end();
      await Promise.all(kept);
    },
  };
}

class Keeper {
  /** Nothing is given up any more. */
  up = false;
  readonly failed: Promise<never>;
  readonly #dir: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #logPath: string;
  readonly #log: FileLog;
  readonly #running = new Map<string, Child>();
  #stopping = false;
  #fail: (error: Temporary) => void = () => {};

  constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.#dir = dir;
    this.#env = env;
    this.#logPath = join(dir, 'log', 'current');
    this.#log = fileLog(this.#logPath);
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
  }

  /** Runs the service again and again; resolves when it has ended after end(). */
  async keep(service: Service): Promise<void> {
    for (let deaths = 0; !this.#stopping; ) {
      const started = Date.now();
      const outcome = await this.#runOnce(service);
      this.#running.delete(service.name);
      if (this.#stopping) return;
      this.#log(service.name, `ended: ${outcome}; starting it again`);
      if (Date.now() - started < SHORT_LIFE) {
        deaths += 1;
        if (deaths >= EARLY_DEATHS && !this.up) this.#giveUp(service);
        await pause(PAUSE);
      }
    }
  }

  /** Nothing is started any more, and what runs ends. */
  async end(): Promise<void> {
    this.#stopping = true;
    await endGroups([...this.#running.values()].map((child) => child.pid));
  }

  #giveUp({ name }: Service): void {
    const why = `the end of ${this.#logPath} says why:\n${this.#log.tail()}`;
    this.#fail(new Temporary(`${name} does not start; ${why}`));
  }

  /** Resolves to how it ended, in words. */
  async #runOnce({ name, file, args }: Service): Promise<string> {
    try {
      const child = await spawn({
        file,
        args,
        env: this.#env,
        cwd: this.#dir,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      this.#running.set(name, child);
      // Being started when end() looked for what to end.
      if (this.#stopping) void endGroups([child.pid]);
      for (const stream of [child.stdio[1], child.stdio[2]])
        stream?.on('data', (chunk: Buffer) => this.#log(name, chunk.toString('latin1').trimEnd()));
      return describe(await child.exited);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function describe(exit: Exit): string {
  return 'code' in exit ? `exit code ${exit.code}` : `killed by ${exit.signal}`;
}

interface FileLog {
  (name: string, text: string): void;
  /** The last lines written by this process. */
  tail(): string;
}

function fileLog(path: string): FileLog {
  const recent: string[] = [];
  const write = (name: string, text: string): void => {
    const stamp = new Date().toISOString();
    const lines = text.split('\n').map((line) => `${stamp} ${name}: ${line}`);
    recent.push(...lines);
    recent.splice(0, recent.length - 10);
    try {
      if (existsSync(path) && statSync(path).size > LOG_MAX) renameSync(path, `${path}.old`);
      appendFileSync(path, Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
    } catch {
      // A full disk must not stop the services.
    }
  };
  return Object.assign(write, { tail: () => recent.join('\n') });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
