// The process groups of an instance's services: finding those that a supervisor left behind, and ending groups.

import { readdirSync, readFileSync } from 'node:fs';

/** How long services may take to finish what they are doing after SIGTERM, in milliseconds. */
const GRACE = 20_000;
/** A command line's words that are looked at: env(1), the interpreter, the program. */
const PROGRAM_WORDS = 3;

/**
 * Services of the instance in `dir` that run without a supervisor. Nothing that was written down before can be
 * relied on, for a supervisor may be killed between starting a service and noting it: a service is a process that
 * leads a session of its own, has the instance as its QMAILHOME, and runs one of `programs` (absolute paths).
 * Only the holder of the instance's lock may ask: a supervisor's children hold it too until they are services.
 */
export function leftoverServices(dir: string, programs: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => isService(name, dir, programs))
    .map(Number);
}

function isService(pid: string, dir: string, programs: readonly string[]): boolean {
  try {
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1');
    // proc(5): PID (NAME) STATE PPID PGRP SESSION ..., and the name may have blanks and parentheses.
    const session = /^.*\) \S \d+ \d+ (\d+) /s.exec(read('stat'))?.[1];
    if (session !== pid) return false;
    if (
      !read('environ')
        .split('\0')
        .includes(latin1(`QMAILHOME=${dir}`))
    )
      return false;
    const words = read('cmdline').split('\0').slice(0, PROGRAM_WORDS);
    return programs.some((program) => words.includes(latin1(program)));
  } catch {
    return false; // it has ended, or is somebody else's
  }
}

/** The bytes of a path as /proc shows them, a character for each. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/**
 * Asks each group's leader to end; its children end by themselves when their pipes do, and finish what
 * they are doing first. What is still there after the grace time is killed.
 */
export async function endGroups(groups: readonly number[]): Promise<void> {
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

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
