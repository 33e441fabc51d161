// Children get a constructed environment and a stated list of descriptors; nothing is inherited by accident.

import { spawn as nodeSpawn, type SpawnOptions } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { faultOf } from '@q/fault';

export type Exit = { readonly code: number } | { readonly signal: NodeJS.Signals };

export interface SpawnRequest {
  /** Looked up in env.PATH when it has no slash. */
  readonly file: string;
  readonly args: readonly string[];
  readonly argv0?: string;
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Index = the child's descriptor; a number is a descriptor of ours. What is not listed is closed. */
  readonly stdio: readonly (number | 'pipe' | 'ignore' | 'ipc')[];
  /** Dropped to when it differs from our own; supplementary groups are emptied then. */
  readonly uid?: number;
  readonly gid?: number;
  /** Gives the child a process group of its own, so that killGroup reaches its children too. */
  readonly detached?: boolean;
}

export interface Child {
  readonly pid: number;
  /** The parent's ends of the descriptors asked for as 'pipe'. Each has an error handler already. */
  readonly stdio: readonly (Duplex | null)[];
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  killGroup(signal: NodeJS.Signals): void;
}

/** Starts a program; rejects with a fault when it cannot be executed. */
export function spawn(request: SpawnRequest): Promise<Child> {
  const options: SpawnOptions = { env: request.env, stdio: [...request.stdio] };
  if (request.argv0 !== undefined) options.argv0 = request.argv0;
  if (request.cwd !== undefined) options.cwd = request.cwd;
  if (request.detached === true) options.detached = true;
  if (request.uid !== undefined && request.uid !== process.getuid?.()) options.uid = request.uid;
  if (
    request.gid !== undefined &&
    (request.gid !== process.getgid?.() || options.uid !== undefined)
  ) {
    options.gid = request.gid;
  }
  return new Promise((resolve, reject) => {
    let child: ReturnType<typeof nodeSpawn>;
    try {
      child = nodeSpawn(request.file, request.args, options);
    } catch (error) {
      reject(faultOf(error, `unable to start ${request.file}`));
      return;
    }
    const exited = new Promise<Exit>((done) => {
      child.once('exit', (code, signal) =>
        done(signal === null ? { code: code ?? 0 } : { signal }),
      );
    });
    child.once('error', (error) => reject(faultOf(error, `unable to start ${request.file}`)));
    // Node's types do not say it: out of descriptors (EMFILE, ENFILE) there is the error, and no stdio.
    const streams: typeof child.stdio | undefined = child.stdio;
    // A child that ends without reading makes its pipe emit EPIPE or ECONNRESET; its exit tells the story.
    for (const stream of streams ?? []) stream?.on('error', () => {});
    child.once('spawn', () => {
      const pid = child.pid as number;
      resolve({
        pid,
        stdio: child.stdio as (Duplex | null)[],
        exited,
        kill: (signal) => void child.kill(signal),
        killGroup: (signal) => killQuietly(-pid, signal),
      });
    });
  });
}

/** The base that children's environments are built from: where programs are, which tree, which time zone. */
export function pathOnly(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = { PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin' };
  if (env.QMAILHOME !== undefined) kept.QMAILHOME = env.QMAILHOME;
  if (env.TZ !== undefined) kept.TZ = env.TZ;
  return kept;
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already, which is what was wanted.
  }
}
