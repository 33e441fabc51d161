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
  const log = fileLog(join(dir, 'log', 'current'));
  const running = new Map<string, Child>();
  let stopping = false;
  let up = false;
  let fail: (error: Temporary) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  async function keep(service: Service): Promise<void> {
    for (let deaths = 0; !stopping; ) {
      const started = Date.now();
      const outcome = await runOnce(service);
      running.delete(service.name);
      if (stopping) return;
      log(service.name, `ended: ${outcome}; starting it again`);
      if (Date.now() - started < SHORT_LIFE) {
        if (++deaths >= EARLY_DEATHS && !up) {
          fail(
            new Temporary(
              `${service.name} does not start; the end of ${join(dir, 'log/current')} says why:\n${log.tail()}`,
            ),
          );
        }
        await pause(PAUSE);
      }
    }
  }

  async function runOnce(service: Service): Promise<string> {
    try {
      const child = await spawn({
        file: service.file,
        args: service.args,
        env,
        cwd: dir,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      running.set(service.name, child);
      // Being started when stop() looked for what to end.
      if (stopping) void endGroups([child.pid]);
      for (const stream of [child.stdio[1], child.stdio[2]]) {
        stream?.on('data', (chunk: Buffer) =>
          log(service.name, chunk.toString('latin1').trimEnd()),
        );
      }
      return describe(await child.exited);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  const kept = services.map(keep);
  return {
    failed,
    ready: () => {
      up = true;
    },
    stop: async () => {
      stopping = true;
      await endGroups([...running.values()].map((child) => child.pid));
      await Promise.all(kept);
    },
  };
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
