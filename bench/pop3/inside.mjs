// The run itself, as process 1 of its own namespaces: bench/pop3.mjs starts it with the plan's file name.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isOurs } from '../shared/adapters.mjs';
import { must } from '../shared/processes.mjs';
import {
  bringUp,
  copyOfDist,
  insideNamespaces,
  interleaved,
  inWords,
  openSystems,
  resultOf,
  takeDown,
} from '../shared/rounds.mjs';
import { enterSandbox } from '../shared/sandbox.mjs';
import { DOMAIN, movedTo } from '../shared/users.mjs';
import { makeAccounts } from './accounts.mjs';
import { adapters } from './adapters/index.mjs';
import { ROWS } from './rows.mjs';
import { runRow } from './run.mjs';

const MANY = 50_000;

await insideNamespaces(async (plan) => {
  enterSandbox(plan.work, plan.layers);
  const rows = ROWS.filter(({ name, quick }) => plan.rows.includes(name) && (quick || !plan.quick));
  const systems = await openAll(plan, rows);
  const times = {
    warmMs: 400,
    runMs: plan.quick ? 1000 : 1500,
    limitMs: plan.limit * 1000,
  };
  const runs = await interleaved({
    systems,
    rows,
    rounds: plan.rounds,
    measure: async (entry, row) => {
      if (row.fresh) await takeDown(entry);
      await settle(entry, row);
      return runRow(row, entry.system, entry.site, times);
    },
    reset: takeDown,
    tell,
  });
  for (const entry of systems) await takeDown(entry);
  return resultOf(plan, systems, rows, runs);
});

async function openAll(plan, rows) {
  const dist = copyOfDist(plan);
  const homes = join(plan.work, 'homes');
  const first = join(homes, 'first');
  mkdirSync(first, { recursive: true });
  // A table that nobody will ask for takes longest to lay.
  const many = rows.some(({ who }) => who === 'many' || who === 'nosize') ? MANY : 1;
  const users = makeAccounts({ home: first, dist, many });
  return openSystems(plan, adapters, dist, (name, index) => {
    // Ours leave a Maildir as it was, and share one; each of the others gets a copy with the same files.
    const home = isOurs(name) ? first : join(homes, name);
    if (home !== first) must('cp', ['-al', first, home]);
    return { port: 2101 + index, domain: DOMAIN, users: movedTo(home, users, first) };
  });
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
