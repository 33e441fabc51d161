// The run of a comparison of servers that show mail, as process 1 of its own namespaces: bench/imap and bench/pop3. All
// serve the same users; each has its own copy of their directories, with the same files by hard links.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './processes.mjs';
import {
  copyOfDist,
  insideNamespaces,
  interleaved,
  openSystems,
  resultOf,
  takeDown,
} from './rounds.mjs';
import { enterSandbox } from './sandbox.mjs';
import { DOMAIN, movedTo } from './users.mjs';

/**
 * Measures the plan's rows on its systems, each on a port of its own from `firstPort` on, and ends the process.
 *
 *   rows, adapters, runMs          what there is; how long a load lasts without --quick
 *   accountsIn(home, dist, rows)   makes the users, and returns them
 *   usesFirst(name)                whether the system serves the first homes themselves, rather than a copy of them
 *   siteOf(adapter)                what else a site of it has, if anything
 *   measure(entry, row, times), tell(measurement)   as for interleaved()
 */
export async function measureServers(comparison) {
  const { runMs, measure, tell } = comparison;
  await insideNamespaces(async (plan) => {
    enterSandbox(plan.work, plan.layers);
    const rows = comparison.rows.filter(
      ({ name, quick }) => plan.rows.includes(name) && (quick || !plan.quick),
    );
    const systems = await openAll(plan, rows, comparison);
    const times = { warmMs: 400, runMs: plan.quick ? 1000 : runMs, limitMs: plan.limit * 1000 };
    const runs = await interleaved({
      systems,
      rows,
      rounds: plan.rounds,
      measure: (entry, row) => measure(entry, row, times),
      reset: takeDown,
      tell,
    });
    for (const entry of systems) await takeDown(entry);
    return resultOf(plan, systems, rows, runs);
  });
}

async function openAll(plan, rows, { adapters, firstPort, accountsIn, usesFirst, siteOf }) {
  const dist = copyOfDist(plan);
  const homes = join(plan.work, 'homes');
  const first = join(homes, 'first');
  mkdirSync(first, { recursive: true });
  const users = accountsIn(first, dist, rows);
  return openSystems(plan, adapters, dist, (name, index, adapter) => {
    const home = usesFirst(name) ? first : join(homes, name);
    if (home !== first) must('cp', ['-al', first, home]);
    return {
      port: firstPort + index,
      domain: DOMAIN,
      users: movedTo(home, users, first),
      ...siteOf?.(adapter),
    };
  });
}
