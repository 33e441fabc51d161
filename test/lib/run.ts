// Runs a program that we did not write, to its end.

import { spawn, spawnSync } from 'node:child_process';
import { dirname } from 'node:path';

/** Where the system's programs are, and the node that runs the tests and ours. */
export const SYSTEM_PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

export interface Ran {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** Runs `file`, feeds it `input`, and gives what it said. Killed after `seconds`. */
export function run(
  file: string,
  args: readonly string[],
  options: {
    input?: Buffer | string;
    env?: NodeJS.ProcessEnv;
    cwd?: string;
    seconds?: number;
    uid?: number;
    gid?: number;
  } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const { uid, gid, cwd } = options;
    const child = spawn(file, args, {
      env: options.env ?? process.env,
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      timeout: (options.seconds ?? 120) * 1000,
    });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString('latin1');
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out), err }));
  });
}

const known = new Map<string, boolean>();

/** True if every program is installed. In CI nothing may be left out, so there a missing one is an error. */
export function installed(...programs: readonly string[]): boolean {
  return programs.every((program) => {
    let there = known.get(program);
    if (there === undefined) {
      there =
        spawnSync('sh', ['-c', `command -v ${program}`], {
          env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
        }).status === 0;
      known.set(program, there);
    }
    if (!there && process.env.QMAILTS_COMPLETE !== undefined)
      throw new Error(`${program} is not installed`);
    return there;
  });
}

export const isRoot = process.getuid?.() === 0;

/**
 * A command that changes the account files (useradd, userdel, groupadd ...). The test files run side by
 * side, and such commands fail when another one holds the lock of /etc/passwd: here they take turns.
 */
export function changeAccounts(
  file: string,
  args: readonly string[],
  input: string | Buffer = '',
): Promise<Ran> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  return run('flock', ['/var/tmp/qmail-ts-test-accounts', file, ...args], { input, env });
}
