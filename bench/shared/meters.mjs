// CPU and memory of a system's processes, from /proc.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { familyOf, must, statsOf, until } from './processes.mjs';

const TICK_MS = 1000 / Number(must('getconf', ['CLK_TCK']));

/**
 * User plus system time so far of the processes and everything below them, in milliseconds, by program; what
 * the ended children of a program have used stands apart. A process that has ended and been waited for is in
 * its parent's sum, so none is missed or counted twice.
 */
export function cpuParts(roots) {
  const parts = new Map();
  const add = (name, ticks) => parts.set(name, (parts.get(name) ?? 0) + ticks * TICK_MS);
  for (const { pid, own, ended } of statsOf(roots)) {
    const name = programOf(pid);
    add(name, own);
    add(`${name}'s ended children`, ended);
  }
  return parts;
}

/** The sum of the parts. */
export function totalOf(parts) {
  return [...parts.values()].reduce((sum, ms) => sum + ms, 0);
}

/** What was used between two looks at cpuParts(). */
export function difference(after, before) {
  return new Map([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]));
}

/** What a process is called, seen through an interpreter. */
function programOf(pid) {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return basename(words.find((word) => word !== '' && basename(word) !== 'node') ?? '?');
  } catch {
    return '?'; // it has just ended
  }
}

/** The same of our own ended children: what the systems' clients have used. */
export function ownChildrenMs() {
  const text = readFileSync('/proc/self/stat', 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** Waits until processes come to rest, whose CPU time in ms `cpu` tells; whether they did within `limit` ms. */
export function untilIdle(cpu, limit) {
  let before = Number.NEGATIVE_INFINITY;
  return until(
    () => {
      const now = cpu();
      const used = now - before;
      before = now;
      return used <= 20;
    },
    limit,
    300,
  );
}

/**
 * Watches the sum of proportional set sizes: memory that processes share counts once. Looking costs CPU too,
 * so a look that took long puts the next one off; a peak between two looks is missed.
 */
export function watchMemory(roots) {
  let peak = 0;
  let timer;
  const look = () => {
    const start = performance.now();
    peak = Math.max(peak, memoryMB(roots()));
    timer = setTimeout(look, Math.max(500, 25 * (performance.now() - start)));
  };
  look();
  return {
    /** Takes a last look; the peak in MB. */
    stop() {
      clearTimeout(timer);
      look();
      clearTimeout(timer);
      return peak;
    },
  };
}

/** The sum of proportional set sizes of the processes and everything below them, now, in MB. */
export function memoryMB(roots) {
  return familyOf(roots).reduce((sum, pid) => sum + pssKB(pid), 0) / 1024;
}

function pssKB(pid) {
  try {
    return Number(
      readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1').match(/^Pss: +(\d+)/m)?.[1] ?? 0,
    );
  } catch {
    return 0; // it has just ended
  }
}
