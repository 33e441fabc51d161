// Starts qmail-start on a tree and watches its log and its processes until the queue is drained.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { createInterface } from 'node:readline';

/** Clock ticks a second in /proc: USER_HZ, the same on every Linux architecture in use. */
const TICKS = 100;
/** The time from the first to the last delivery is looked at in so many parts. */
const PARTS = 10;

/** Resolves to what was measured; times in seconds. Throws when a delivery fails or one has left no file. */
export async function drain(tree, { count, seconds }) {
  const begun = performance.now();
  const since = () => (performance.now() - begun) / 1000;
  const send = spawn(`${tree.home}/bin/qmail-start`, ['./Maildir/'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: tree.env,
    cwd: tree.home,
    uid: tree.uid,
    gid: tree.gid,
  });
  const ended = once(send, 'exit');
  const times = [];
  let firstCpu = 0;
  let failed;
  let cut;
  const drained = new Promise((resolve) => {
    cut = setTimeout(resolve, seconds * 1000);
    createInterface(send.stdout).on('line', (line) => {
      if (/^delivery \d+: (failure|deferral)/.test(line)) failed ??= line;
      if (!/^delivery \d+: success/.test(line)) return;
      times.push(since());
      if (times.length === 1) firstCpu = cpuOf(send.pid);
      if (times.length === count) resolve();
    });
    ended.then(resolve);
  });
  await drained;
  clearTimeout(cut);
  if (send.exitCode !== null) throw new Error(`qmail-start has ended: ${send.exitCode}`);
  const delivered = times.length;
  const family = familyOf(send.pid);
  const cpu = family.reduce((sum, pid) => sum + cpuOf(pid), 0);
  const sendCpu = cpuOf(send.pid);
  const peakMB = Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(read(send.pid, 'status'))?.[1]) / 1024);
  const load = loadavg()[0].toFixed(1);
  const stopping = performance.now();
  send.kill('SIGTERM');
  await ended;
  const stopSeconds = (performance.now() - stopping) / 1000;
  if (failed !== undefined) throw new Error(`a delivery failed: ${failed}`);
  const files = readdirSync(`${tree.maildir}/new`).length;
  if (files < delivered) throw new Error(`${delivered} deliveries left ${files} files`);
  return {
    delivered,
    firstSeconds: times[0],
    firstCpu,
    ...ratesOf(times),
    cpuEach: (cpu * 1000) / delivered,
    sendCpuEach: (sendCpu * 1000) / delivered,
    peakMB,
    stopSeconds,
    load,
  };
}

/** Deliveries a second in all, and in the slowest and fastest part of the time. */
function ratesOf(times) {
  const first = times[0];
  const length = (times.at(-1) - first) / PARTS;
  const parts = Array.from({ length: PARTS }, (_, part) => {
    const [from, to] = [first + part * length, first + (part + 1) * length];
    return times.filter((time) => time > from && time <= to).length / length;
  });
  const range = [Math.min(...parts), Math.max(...parts)].map((rate) => Math.round(rate));
  return { rate: (times.length - 1) / (times.at(-1) - first), range };
}

/** A process and what it has started, except for what has ended without being waited for. */
function familyOf(root) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), Number(fieldsOf(name)?.[1]));
  }
  const family = [root];
  for (const pid of family)
    for (const [child, parent] of parents) if (parent === pid) family.push(child);
  return family;
}

/** User and system time of a process and of its children that have ended, in seconds. */
function cpuOf(pid) {
  const fields = fieldsOf(pid);
  if (fields === undefined) return 0;
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

/** The fields of /proc/PID/stat from the third, the state, on; undefined when it is gone. proc(5). */
function fieldsOf(pid) {
  return read(pid, 'stat')
    ?.replace(/^.*\) /s, '')
    .split(' ');
}

function read(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return undefined;
  }
}
