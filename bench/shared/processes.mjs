// Starting, watching and ending the measured systems' processes.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The servers of one measured system, which keeps its files in `work`. */
export class Servers {
  #work;
  #children = [];

  constructor(work) {
    this.#work = work;
  }

  /** Starts one; what it prints goes to work/NAME.log. */
  start(name, command, options) {
    this.#children.push(startServer(this.#work, name, command, options));
  }

  /** The processes that were started, without what came of them. */
  get pids() {
    return this.#children.map(({ pid }) => pid);
  }

  /** Ends them and all that came of them: politely, and after ten seconds by force. */
  async stop() {
    const children = this.#children;
    this.#children = [];
    await stopServers(children);
  }
}

function startServer(work, name, [file, ...args], options = {}) {
  const log = openSync(join(work, `${name}.log`), 'a');
  const child = spawn(file, args, { stdio: ['ignore', log, log], ...options });
  child.on('error', () => {});
  closeSync(log);
  return child;
}

async function stopServers(children) {
  const roots = children.map(({ pid }) => pid).filter((pid) => pid !== undefined);
  const all = familyOf(roots);
  for (const pid of roots) signal(pid, 'SIGTERM');
  if (await gone(all, 10_000)) return;
  for (const pid of all) signal(pid, 'SIGKILL');
  if (!(await gone(all, 10_000))) throw new Error(`processes ${all.join(' ')} do not end`);
}

/** The pids themselves and everything below them that runs now. */
export function familyOf(roots) {
  return statsOf(roots).map(({ pid }) => pid);
}

/** /proc/PID/stat of the whole family: its own user and system time, and its reaped children's, in ticks. */
export function statsOf(roots) {
  const byParent = new Map();
  const byPid = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    if (stat === undefined) continue;
    byPid.set(stat.pid, stat);
    byParent.set(stat.parent, [...(byParent.get(stat.parent) ?? []), stat]);
  }
  const family = roots.flatMap((pid) => byPid.get(pid) ?? []);
  for (const member of family) family.push(...(byParent.get(member.pid) ?? []));
  return family;
}

function statOf(pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // it has just ended
  }
  // The name in parentheses may contain anything; what follows it is fields 3, 4, ...
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
  return {
    pid: Number(pid),
    state: fields[0],
    parent: Number(fields[1]),
    own: user + system,
    ended: endedUser + endedSystem,
  };
}

/** Resolves when `condition` holds, looked at every `every` ms; false after `limit` ms. */
export async function until(condition, limit, every = 50) {
  const end = Date.now() + limit;
  while (!(await condition())) {
    if (Date.now() > end) return false;
    await sleep(every);
  }
  return true;
}

/** Whether a server begins with `greeting` there. */
function greets(port, greeting) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('data', (data) => {
      resolve(data.toString('latin1').startsWith(greeting));
      socket.end('QUIT\r\n');
      socket.resume();
    });
    socket.on('close', () => resolve(false));
  });
}

/** Resolves when the server answers: by SMTP, or with a greeting of its own. */
export async function untilGreets(port, greeting = '220') {
  if (!(await until(() => greets(port, greeting), 30_000)))
    throw new Error(`nobody answers on port ${port}`);
}

/** The last lines that the servers of `work` have logged. */
export function lastWords(work) {
  const logs = readdirSync(work).filter((name) => name.endsWith('.log'));
  return logs
    .map((name) => `${name}:\n${readFileSync(join(work, name), 'latin1').slice(-1500)}`)
    .join('\n');
}

/** Runs a short command; throws with what it said if it fails. */
export function must(file, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    encoding: 'latin1',
    ...options,
  });
  if (status !== 0)
    throw new Error(`${file} ${args.join(' ')}: ${error?.message ?? stderr + stdout}`);
  return stdout;
}

function gone(pids, limit) {
  return until(() => pids.every((pid) => (statOf(pid)?.state ?? 'Z') === 'Z'), limit);
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {} // it has ended by itself
}
