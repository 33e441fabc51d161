// A way for a message to go in besides SMTP: by a program of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
}

/** Runs a program with `inputs` in files as its fd 0 and, where there are two, fd 1; else fd 1 is its output. */
export async function run(
  command: Command,
  inputs: readonly [string] | readonly [string, string],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const { file, args, env, cwd, uid, gid } = command;
  const fds = inputs.map((text) => openText(cwd, text));
  const stdio = [fds[0] ?? 'ignore', fds[1] ?? 'pipe', 'ignore'] as const;
  const child = spawn(file, args, { env, cwd, uid, gid, stdio: [...stdio] });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
  });
  const [code] = await once(child, 'close');
  for (const fd of fds) closeSync(fd);
  return { code, output };
}

let files = 0;

function openText(dir: string, text: string): number {
  const path = join(dir, `input.${process.pid}.${++files}`);
  writeFileSync(path, text, 'latin1');
  const fd = openSync(path, 'r');
  rmSync(path);
  return fd;
}
