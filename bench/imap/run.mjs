// One run: one row on one server that is up and idle.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startClient } from '../shared/client.mjs';
import { cpuParts, difference, memoryMB, totalOf, untilIdle } from '../shared/meters.mjs';
import { PASSWORD } from '../shared/users.mjs';

/** Sessions that were just opened may still be starting something; and then memory is looked at. */
const SETTLE_MS = 10_000;
/** Sessions that idle do so for hours, so it is looked at when nothing has happened for a while: before such a row, and after. */
const REST_MS = 20_000;
/** How many messages COPY, MOVE and EXPUNGE are tried with, at most. */
const PART = 5000;

/** Loads of which is told how many they do in a second. */
const RATED = ['login', 'mixed'];

/** Resolves to the measurement: what METRICS (rows.mjs) names, `parts`, and `cut` if the limit ended it. */
export async function runRow(row, system, site, times) {
  const users = site.users[row.who];
  const parts = () => cpuParts(system.processes());
  const script = join(import.meta.dirname, 'client.mjs');
  const client = startClient(script, jobOf(row, site, users, times), times.limitMs + SETTLE_MS);
  try {
    await client.ready;
    if (row.load === 'idle') await wait(REST_MS);
    const emptyMB = row.load === 'idle' ? memoryMB(system.processes()) : 0;
    const before = parts();
    const result = await client.run();
    const used = difference(parts(), before);
    if (row.load === 'idle') {
      await wait(REST_MS);
      await untilIdle(() => totalOf(parts()), SETTLE_MS);
    }
    const memory = row.load === 'idle' ? memoryMB(system.processes()) : undefined;
    const { done, seconds, ms, cut, errors, firstError } = result;
    return {
      done,
      ms,
      rate: RATED.includes(row.load) ? done / seconds : undefined,
      errors,
      firstError,
      cpu: done > 0 ? totalOf(used) / done : undefined,
      parts: Object.fromEntries([...used].filter(([, spent]) => spent > 0)),
      memory,
      session: row.load === 'idle' && done > 0 ? ((memory - emptyMB) * 1024) / done : undefined,
      cut: cut === true,
    };
  } finally {
    await client.end();
  }
}

function jobOf(row, { port, folderPrefix }, users, times) {
  const [{ home, maildir }] = users;
  const copy = `${folderPrefix}Copied`;
  const copy2 = `${folderPrefix}Moved`;
  const part = Math.min(row.count, PART);
  const filled = (text) =>
    text?.replaceAll('$COPY2', copy2).replaceAll('$COPY', copy).replaceAll('$PART', String(part));
  return {
    ...times,
    ...row,
    port,
    copy,
    copy2,
    part,
    before: (row.before ?? []).map(filled),
    timed: filled(row.timed),
    instead: row.instead?.map(filled),
    after: (row.after ?? []).map(filled),
    maildir: join(home, maildir),
    logins: users.map(({ name }) => ({ user: name, password: PASSWORD })),
  };
}
