// The run itself, as process 1 of its own namespaces: bench/pop3.mjs starts it with the plan's file name.
import { isOurs } from '../shared/adapters.mjs';
import { measureServers } from '../shared/mail-servers.mjs';
import { bringUp, inWords, takeDown } from '../shared/rounds.mjs';
import { makeAccounts } from './accounts.mjs';
import { adapters } from './adapters/index.mjs';
import { ROWS } from './rows.mjs';
import { runRow } from './run.mjs';

const MANY = 50_000;

await measureServers({
  rows: ROWS,
  adapters,
  runMs: 1500,
  firstPort: 2101,
  accountsIn,
  // Ours leave a Maildir as it was, and share one.
  usesFirst: isOurs,
  measure,
  tell,
});

function accountsIn(home, dist, rows) {
  // A table that nobody will ask for takes longest to lay.
  const many = rows.some(({ who }) => who === 'many' || who === 'nosize') ? MANY : 1;
  return makeAccounts({ home, dist, many });
}

async function measure(entry, row, times) {
  if (row.fresh) await takeDown(entry);
  await settle(entry, row);
  return runRow(row, entry.system, entry.site, times);
}

/** Up, and past its first thousands of messages: a server in Node is slower before them. */
async function settle(entry, row) {
  if (!(await bringUp(entry)) || row.fresh) return;
  const times = { warmMs: 500, runMs: 500, limitMs: 20_000 };
  for (const name of ['login-md5-c10', 'retr-2k'])
    await runRow(
      ROWS.find((one) => one.name === name),
      entry.system,
      entry.site,
      times,
    );
}

function tell({ rate, login, uidl, list, cpu, memory, client }) {
  return inWords({ rate, login, uidl, list, cpu, memory, client });
}
