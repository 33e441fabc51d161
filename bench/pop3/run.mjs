// One run: one row on one server that is up and idle.
import { join } from 'node:path';
import { startClient } from '../shared/client.mjs';
import { cpuParts, difference, memoryMB, totalOf, untilIdle } from '../shared/meters.mjs';
import { PASSWORD } from '../shared/users.mjs';

/** Sessions that were just opened may still be starting something; and then memory is looked at. */
const SETTLE_MS = 10_000;

/** Resolves to the measurement: what METRICS (rows.mjs) names, `parts`, and `cut` if the limit ended it. */
export async function runRow(row, system, site, { warmMs, runMs, limitMs }) {
  const users = site.users[row.who];
  if (row.forget) for (const { home, maildir } of users) system.forget(join(home, maildir));
  const looksAtMemory = row.load === 'list' || row.load === 'idle';
  const parts = () => cpuParts(system.processes());
  const script = join(import.meta.dirname, 'client.mjs');
  const job = jobOf(row, site.port, users, { warmMs, runMs, limitMs });
  const client = startClient(script, job, limitMs + SETTLE_MS);
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

function jobOf(row, port, users, times) {
  return {
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
}
