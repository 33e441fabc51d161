// The run itself, as process 1 of its own namespaces: bench/imap.mjs starts it with the plan's file name.
import { join } from 'node:path';
import { measureServers } from '../shared/mail-servers.mjs';
import { bringUp, inWords, takeDown } from '../shared/rounds.mjs';
import { makeAccounts } from './accounts.mjs';
import { adapters } from './adapters/index.mjs';
import { ROWS } from './rows.mjs';
import { runRow } from './run.mjs';

let round = 0;

await measureServers({
  rows: ROWS,
  adapters,
  runMs: 2000,
  firstPort: 2201,
  accountsIn,
  // Ours finds the homes by /etc/passwd, where the first ones stand.
  usesFirst: (name) => name === 'qmail-ts',
  siteOf: ({ folderPrefix }) => ({ folderPrefix }),
  measure,
  tell,
});

function accountsIn(home, dist, rows) {
  const sizes = Object.fromEntries(
    rows.filter(({ count }) => count !== undefined).map(({ who, count }) => [who, count]),
  );
  return makeAccounts({ home, dist, sizes });
}

async function measure(entry, row, times) {
  if (row.cold) {
    await takeDown(entry);
    for (const { home, maildir } of entry.site.users[row.who])
      entry.system.forget(join(home, maildir));
  }
  await bringUp(entry);
  round++;
  const limitMs = row.limit === undefined ? times.limitMs : row.limit * 1000;
  return runRow({ ...row, round }, entry.system, entry.site, { ...times, limitMs });
}

function tell({ ms, rate, errors, firstError, cpu, memory, session }) {
  const numbers = inWords({ ms, rate, errors, cpu, memory, session });
  return firstError === undefined ? numbers : `${numbers}; the first error: ${firstError}`;
}
