// Runs an instance's services in the foreground: starts them, writes down what they say, starts again
// what dies, and stops all of them on request. Each service has a process group of its own, so that a
// Ctrl-C on the terminal reaches only the supervisor, which then ends them in order.

import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Temporary } from '@q/fault';
import { type Child, type Exit, spawn } from '@q/proc';

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
/** How long services may take to finish what they are doing after SIGTERM, in milliseconds. */
const GRACE = 20_000;
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
      note(dir, running);
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
      note(dir, running);
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

/** Services whose supervisor was killed are still there: they end before new ones start. */
export async function endLeftovers(dir: string): Promise<void> {
  const file = join(dir, 'run', 'services.json');
  if (!existsSync(file)) return;
  let pids: unknown;
  try {
    pids = JSON.parse(readFileSync(file, 'latin1'));
  } catch {
    return; // cut short by a crash; what it named cannot be known
  }
  if (!Array.isArray(pids)) return;
  await endGroups(
    pids.filter((pid): pid is number => Number.isInteger(pid) && pid > 1 && groupIsOurs(pid, dir)),
  );
}

/** A pid may belong to somebody else by now: the process must have this instance as its QMAILHOME. */
function groupIsOurs(pid: number, dir: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`QMAILHOME=${dir}`);
  } catch {
    return false;
  }
}

/**
 * Asks each group's leader to end; its children end by themselves when their pipes do, and finish what
 * they are doing first. What is still there after the grace time is killed.
 */
async function endGroups(groups: readonly number[]): Promise<void> {
  for (const group of groups) signal(group, 'SIGTERM');
  const deadline = Date.now() + GRACE;
  while (groups.some((group) => signal(-group, 0)) && Date.now() < deadline) await pause(20);
  for (const group of groups) signal(-group, 'SIGKILL');
}

/** kill(2): true if there was somebody to signal; 0 only asks, a negative pid means the group. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

function note(dir: string, running: ReadonlyMap<string, Child>): void {
  const pids = [...running.values()].map((child) => child.pid);
  writeFileSync(join(dir, 'run', 'services.json'), JSON.stringify(pids));
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
