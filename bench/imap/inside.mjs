// The run itself, as process 1 of its own namespaces: bench/imap.mjs starts it with the plan's file name.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
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

await insideNamespaces(async (plan) => {
  enterSandbox(plan.work, plan.layers);
  const rows = ROWS.filter(({ name, quick }) => plan.rows.includes(name) && (quick || !plan.quick));
  const systems = await openAll(plan, rows);
  const times = { warmMs: 400, runMs: plan.quick ? 1000 : 2000, limitMs: plan.limit * 1000 };
  let round = 0;
  const runs = await interleaved({
    systems,
    rows,
    rounds: plan.rounds,
    measure: async (entry, row) => {
      if (row.cold) {
        await takeDown(entry);
        for (const { home, maildir } of entry.site.users[row.who])
          entry.system.forget(join(home, maildir));
      }
      await bringUp(entry);
      round++;
      const limitMs = row.limit === undefined ? times.limitMs : row.limit * 1000;
      return runRow({ ...row, round }, entry.system, entry.site, { ...times, limitMs });
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
  const sizes = Object.fromEntries(
    rows.filter(({ count }) => count !== undefined).map(({ who, count }) => [who, count]),
  );
  const users = makeAccounts({ home: first, dist, sizes });
  return openSystems(plan, adapters, dist, (name, index, { folderPrefix }) => {
    // Ours finds the homes by /etc/passwd, where the first ones stand; each of the others gets a copy with the same files.
    const home = name === 'qmail-ts' ? first : join(homes, name);
    if (home !== first) must('cp', ['-al', first, home]);
    return {
      port: 2201 + index,
      domain: DOMAIN,
      users: movedTo(home, users, first),
      folderPrefix,
    };
  });
}

function tell({ ms, rate, errors, firstError, cpu, memory, session }) {
  const numbers = inWords({ ms, rate, errors, cpu, memory, session });
  return firstError === undefined ? numbers : `${numbers}; the first error: ${firstError}`;
}
