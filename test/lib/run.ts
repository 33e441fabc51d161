// Runs a program that we did not write, to its end.

import { spawn, spawnSync } from 'node:child_process';

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
