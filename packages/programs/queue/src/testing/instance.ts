// A queue tree of its own and the real qmail-queue for it, bundled from source: for this package's tests.
// Run as root, the tree belongs to an unprivileged uid, as it would on a real host.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundlePrograms } from '@q/proc/testing';
import { decodeIntd, makeQueueTree, type QueuedEnvelope, splitOf } from '@q/queue-files';
import type { Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '../../../../..');
const OWNER = 47_011;

export const isRoot = process.getuid?.() === 0;
export const ownerUid = isRoot ? OWNER : (process.getuid?.() ?? 0);
export const ownerGid = isRoot ? OWNER : (process.getgid?.() ?? 0);

export interface Instance {
  readonly home: string;
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  /** Started by startServer(), and ended with it. */
  readonly servers: Server[];
}

/** A tree, and beside its bin (so that clients do not find it by themselves) the program. */
export async function makeInstance(plugins: Plugin[] = []): Promise<Instance> {
  const home = mkdtempSync(join(tmpdir(), 'queue-'));
  chmodSync(home, 0o755);
  const bin = join(home, 'bundle');
  const program = join(bin, 'qmail-queue');
  await bundlePrograms(bin, ['qmail-queue'], plugins);
  makeTree(home);
  return { home, program, env: { PATH: process.env.PATH, QMAILHOME: home }, servers: [] };
}

/** The queue and run directories of `home`, with their owner. */
export function makeTree(home: string): void {
  const ids = { qmailq: ownerUid, qmailr: ownerUid, qmails: ownerUid, qmail: ownerGid };
  if (isRoot) chownSync(home, ownerUid, ownerGid);
  makeQueueTree(home, { single: !isRoot, ...ids });
}

export async function removeInstance({ home, servers }: Instance): Promise<void> {
  for (const { child } of servers.splice(0)) child.kill('SIGKILL');
  await rm(home, { recursive: true, force: true });
}

/** Makes the 24 hours that a message may take shorter. */
export function shortAlarm(seconds: number): Plugin {
  return {
    name: 'short-alarm',
    setup(esbuild) {
      esbuild.onLoad({ filter: /queue-files\/src\/limits\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replace(
          'QUEUE_ALARM = 86_400',
          `QUEUE_ALARM = ${seconds}`,
        ),
        loader: 'ts',
      }));
    },
  };
}

/**
 * Makes the program's file operation number n fail, by env FAULT="CODE:n" (an errno, or kill for SIGKILL
 * in its place), and writes all of them, with their paths or descriptors, to the file env TRACE.
 */
export function faults(): Plugin {
  const real = join(ROOT, 'packages/base/fsx/src');
  // The functions of each module that queueing calls, by the module's name there and here.
  const wrapped: Readonly<Record<string, { readonly real: string; readonly names: string[] }>> = {
    'node:fs': {
      real: 'node:fs',
      names: ['closeSync', 'fstatSync', 'fsyncSync', 'linkSync', 'openSync', 'unlinkSync'],
    },
    '@q/fsx': {
      real: join(real, 'index.ts'),
      names: ['createExclusiveSync', 'fsyncFd', 'writeFully', 'writeFullySync'],
    },
    './fd.ts': { real: join(real, 'fd.ts'), names: ['fsyncDir'] },
  };
  const users =
    /programs\/queue\/src\/(entry|pid-names|syncs)\.ts$|base\/fsx\/src\/directory-sync\.ts$/;
  return {
    name: 'faults',
    setup(esbuild) {
      esbuild.onResolve({ filter: /^(node:fs|@q\/fsx|\.\/fd\.ts)$/ }, ({ path, importer }) =>
        users.test(importer) ? { path, namespace: 'faults' } : undefined,
      );
      esbuild.onLoad({ filter: /.*/, namespace: 'faults' }, ({ path }) => ({
        contents: wrapping(wrapped[path] as { real: string; names: string[] }),
        loader: 'js',
        resolveDir: ROOT,
      }));
    },
  };
}

/** The source of a module that is `real` with a fault and a trace line in each of `names`. */
function wrapping({ real, names }: { readonly real: string; readonly names: string[] }): string {
  return `
    import { appendFileSync } from 'node:fs';
    import * as real from ${JSON.stringify(real)};
    export * from ${JSON.stringify(real)};
    const [code, at] = (process.env.FAULT ?? ':0').split(':');
    function begin() {
      const now = globalThis.steps = (globalThis.steps ?? 0) + 1;
      if (now === Number(at) && code === 'kill') process.kill(process.pid, 'SIGKILL');
      if (now === Number(at)) throw Object.assign(new Error(code), { code });
    }
    function trace(name, args, result) {
      const what = /^(create|open)/.test(name) ? args[0] + ' ' + result : args.slice(0, 2).filter((a) => typeof a !== 'object').join(' ');
      appendFileSync(process.env.TRACE, name + ' ' + what + '\\n');
      return result;
    }
    function now(name) {
      return (...args) => {
        begin();
        return trace(name, args, real[name](...args));
      };
    }
    function later(name) {
      return async (...args) => {
        begin();
        return trace(name, args, await real[name](...args));
      };
    }
    ${names.map((name) => `export const ${name} = ${name.endsWith('Sync') ? 'now' : 'later'}('${name}');`).join('\n')}`;
}

export interface Server {
  readonly child: ChildProcess;
  readonly log: () => string;
  stop(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts the resident program and waits until it serves. `lifeline` adds a socket on fd 3. */
export async function startServer(
  instance: Instance,
  options: { lifeline?: boolean } = {},
): Promise<Server> {
  const args = ['--listen', `unix:${join(instance.home, 'run/queue.socket')}`];
  if (options.lifeline) args.push('--lifeline', '3');
  const child = spawn(instance.program, args, {
    env: instance.env,
    stdio: ['ignore', 'ignore', 'pipe', options.lifeline ? 'pipe' : 'ignore'],
  });
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await until(
    () => log.includes('listening on') || child.exitCode !== null,
    () => log,
  );
  if (child.exitCode !== null) throw new Error(`the server ended: ${log}`);
  const server: Server = {
    child,
    log: () => log,
    stop: async (signal) => {
      child.kill(signal);
      const [code, by] = await exited;
      return { code, signal: by };
    },
  };
  instance.servers.push(server);
  return server;
}

/** Waits for a condition, for as long as a loaded machine may need. */
export async function until(
  condition: () => boolean,
  what: () => string = () => '',
): Promise<void> {
  for (const end = Date.now() + 120_000; !condition(); await sleep(5))
    if (Date.now() > end) throw new Error(`waited in vain: ${what()}`);
}

export interface QueuedMessage {
  readonly number: string;
  readonly envelope: QueuedEnvelope;
  readonly received: string;
  readonly body: Buffer;
}

/** Every message that is queued. Throws if one of them is not complete: intd, todo and mess, with its inode's number. */
export function queuedMessages(home: string): QueuedMessage[] {
  const queue = join(home, 'queue');
  return readdirSync(join(queue, 'todo')).map((number) => {
    const todo = readFileSync(join(queue, 'todo', number));
    const intd = readFileSync(join(queue, 'intd', number));
    const mess = readFileSync(join(queue, 'mess', String(splitOf(number)), number));
    if (!todo.equals(intd)) throw new Error(`intd/${number} is not todo/${number}`);
    const line = mess.indexOf(10) + 1;
    return {
      number,
      envelope: decodeIntd(todo),
      received: mess.subarray(0, line).toString('latin1'),
      body: mess.subarray(line),
    };
  });
}

/** Files that belong to no queued message, as paths inside the queue. */
export function debris(home: string): string[] {
  const queue = join(home, 'queue');
  const queued = new Set(readdirSync(join(queue, 'todo')));
  const found = readdirSync(join(queue, 'pid')).map((name) => `pid/${name}`);
  for (const name of readdirSync(join(queue, 'intd')))
    if (!queued.has(name)) found.push(`intd/${name}`);
  for (const split of readdirSync(join(queue, 'mess')))
    for (const name of readdirSync(join(queue, 'mess', split)))
      if (!queued.has(name)) found.push(`mess/${split}/${name}`);
  return found;
}
