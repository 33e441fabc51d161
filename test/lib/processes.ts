// Finding and ending processes by what they are, not by luck: every process of an instance has its
// QMAILHOME in the environment.

import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';

export interface Process {
  readonly pid: number;
  /** The executable's own name: qmail-send, vdeliver, sh. */
  readonly name: string;
  readonly uid: number;
}

/** All living processes whose QMAILHOME is `home`. Another user's are seen only by root. */
export function processesOf(home: string): Process[] {
  const found: Process[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (!readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0').includes(`QMAILHOME=${home}`))
        continue;
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      const program = words[0]?.endsWith('node') === true ? words[1] : words[0];
      const uid = Number(
        readFileSync(`/proc/${entry}/status`, 'utf8').match(/^Uid:\s+(\d+)/m)?.[1],
      );
      found.push({ pid: Number(entry), name: program?.split('/').at(-1) ?? '', uid });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/**
 * One line for each process of `home`: parent, group, state, what it waits for in the kernel, its signals (caught,
 * pending), command, and where its descriptors lead.
 */
export function describeProcesses(home: string): string {
  const lines = processesOf(home).map(({ pid }) => {
    try {
      const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1');
      // "PID (NAME) STATE PPID PGRP SESSION ...", and the name may have blanks.
      const [state, parent, group] = read('stat')
        .replace(/^.*\) /s, '')
        .split(' ');
      const signals = read('status').match(/^(?:SigPnd|ShdPnd|SigCgt):\s+\S+/gm);
      const files = readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd}=${linkOf(pid, fd)}`);
      const command = read('cmdline').replaceAll('\0', ' ').trim();
      const wait = attempt(() => read('wchan')) ?? '?';
      return `${pid} parent ${parent} group ${group} ${state} ${wait} [${signals?.join(' ')}] ${command} {${files.join(' ')}}`;
    } catch {
      return `${pid} has ended`;
    }
  });
  return lines.join('\n');
}

function linkOf(pid: number, fd: string): string {
  return attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '?';
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** The process that started this one, or took it over; undefined when it has ended. */
export function parentOf(pid: number): number | undefined {
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '';
  if (/^State:\s+Z/m.test(status)) return undefined;
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) || undefined;
}

/** kill(2) that does not mind if the process is gone. */
export function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

/**
 * Makes every qmail-send of `home` try all messages now, as an admin would: SIGALRM. One that has not begun to listen to
 * it yet would be killed by it, and is left alone.
 */
export function retryNow(home: string): void {
  for (const { pid, name } of processesOf(home))
    if (name === 'qmail-send' && catches(pid, constants.signals.SIGALRM))
      killQuietly(pid, 'SIGALRM');
}

function catches(pid: number, signal: number): boolean {
  const caught = attempt(() =>
    /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')),
  )?.[1];
  return caught !== undefined && ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/**
 * Waits until `condition` gives something other than undefined and false; asks every `pause` milliseconds. Throws after
 * `seconds`, saying `what`.
 */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 120,
  pause = 25,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** The port of a tcpserver that was started with -1 and a pipe as its standard output. */
export function tcpserverPort(server: ChildProcess): Promise<number> {
  let out = '';
  server.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  return until('tcpserver tells its port', () => Number(/^(\d+)\n/.exec(out)?.[1]) || undefined);
}

/** Kilobytes that all processes of an instance have in memory for themselves: pages of files come and go as the machine likes. */
export function residentOf(home: string): number {
  const sizes = processesOf(home).map(({ pid }) => {
    const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '';
    return Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}
