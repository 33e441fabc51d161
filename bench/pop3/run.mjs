// One run: one row on one server that is up and idle.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cpuParts, difference, memoryMB, totalOf, untilIdle } from '../shared/meters.mjs';
import { PASSWORD } from './accounts.mjs';

/** Sessions that were just opened may still be starting something; and then memory is looked at. */
const SETTLE_MS = 10_000;

/** Resolves to the measurement: what METRICS (rows.mjs) names, `parts`, and `cut` if the limit ended it. */
export async function runRow(row, system, site, { warmMs, runMs, limitMs }) {
  const users = site.users[row.who];
  if (row.forget) for (const { home, maildir } of users) system.forget(join(home, maildir));
  const looksAtMemory = row.load === 'list' || row.load === 'idle';
  const parts = () => cpuParts(system.processes());
  const client = startClient(row, site.port, users, { warmMs, runMs, limitMs });
  try {
    await client.ready;
    const emptyMB = row.load === 'idle' ? memoryMB(system.processes()) : 0;
    const before = parts();
    const result = await client.run();
    const used = difference(parts(), before);
    if (looksAtMemory) await untilIdle(() => totalOf(parts()), SETTLE_MS);
    const memory = looksAtMemory ? memoryMB(system.processes()) : undefined;
    return measurement(row, result, used, { memory, emptyMB });
  } finally {
    await client.end();
  }
}

function measurement(row, result, used, { memory, emptyMB }) {
  const { done, seconds, bytes, clientMs, cut } = result;
  return {
    done,
    seconds,
    rate: row.load === 'login' || row.load === 'retr' ? done / seconds : undefined,
    megabytes: row.who === 'large' ? bytes / 1e6 / seconds : undefined,
    login: result.login,
    uidl: result.uidl,
    list: result.list,
    cpu: done > 0 ? totalOf(used) / done : undefined,
    client: done > 0 ? clientMs / done : undefined,
    parts: Object.fromEntries([...used].filter(([, ms]) => ms > 0)),
    memory,
    session: row.load === 'idle' && done > 0 ? ((memory - emptyMB) * 1024) / done : undefined,
    cut: cut === true,
  };
}

function startClient(row, port, users, times) {
  const job = {
    ...times,
    port,
    load: row.load,
    connections: row.connections,
    ahead: row.ahead,
    each: row.each,
    repeat: row.repeat,
    options: { noDelay: row.noDelay ?? true },
    logins: users.map(({ name }) => ({ user: name, password: PASSWORD })),
    messages: users[0].mail.count,
  };
  const script = join(import.meta.dirname, 'client.mjs');
  const child = spawn(process.execPath, [script, JSON.stringify(job)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let trouble = '';
  child.stderr.on('data', (data) => {
    trouble = (trouble + data.toString('latin1')).slice(-2000);
  });
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    // A server that says nothing at all must not hold up the others.
    const timer = setTimeout(() => child.kill('SIGKILL'), times.limitMs + SETTLE_MS);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done) throw new Error(`the client has ended: ${trouble}`);
    return value;
  };
  const ready = line();
  ready.catch(() => {});
  return {
    ready,
    async run() {
      child.stdin.write('go\n');
      return JSON.parse(await line());
    },
    async end() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
