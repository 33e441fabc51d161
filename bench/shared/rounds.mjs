// The run in the namespaces, as process 1 of which bench/*/inside.mjs is started: what all comparisons do there.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { lastWords } from './processes.mjs';

/** Runs `work(plan)`, which resolves to the result, and ends the process, and with it all others. */
export async function insideNamespaces(work) {
  const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  process.umask(0o022);
  // Whoever started us holds the other end.
  process.stdin.on('close', () => process.exit(1)).resume();
  try {
    const result = await work(plan);
    writeFileSync(join(plan.work, 'result.json'), JSON.stringify(result));
    process.exit(0);
  } catch (error) {
    process.stderr.write(`bench: ${error.stack}\n`);
    process.exit(1);
  }
}

/** A copy of our executables: a build while the run goes on must not change what is measured. */
export function copyOfDist({ work, dist: built, profile }) {
  const dist = join(work, 'dist');
  if (!existsSync(join(built, 'qmail-start')))
    throw new Error(`nothing is built in ${built}: npx tsup`);
  cpSync(built, dist, { recursive: true });
  if (profile !== undefined) {
    mkdirSync(profile, { recursive: true });
    chmodSync(profile, 0o1777);
  }
  return dist;
}

/**
 * The systems of the plan, opened. `siteOf(name, index, adapter)`: what one is given besides { work, dist }, its own
 * directory and our executables.
 */
export async function openSystems(plan, adapters, dist, siteOf) {
  const opened = [];
  for (const [index, name] of plan.systems.entries()) {
    const adapter = await adapters.load(name);
    const work = join(plan.work, 'systems', name);
    const site = { work, dist, ...siteOf(name, index, adapter) };
    mkdirSync(work, { recursive: true });
    const system = adapter.open(site);
    opened.push({ name, title: adapter.title, packages: adapter.packages, site, system });
  }
  return opened;
}

/** Starts a system that is down. True when it was. */
export async function bringUp(entry) {
  if (entry.up) return false;
  await entry.system.start();
  entry.up = true;
  return true;
}

/** Stops a system that is up. */
export async function takeDown(entry) {
  if (!entry.up) return;
  entry.up = false;
  await entry.system.stop();
}

/** Numbers with their names, those that there are. */
export function inWords(numbers) {
  return Object.entries(numbers)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value.toFixed(2)}`)
    .join(' ');
}

/**
 * Round by round, row by row, each row on all systems in turn: what else the machine does hits them alike.
 * `measure(entry, row)` resolves to a run; one system's trouble is told and is not the end of the others'. `reset(entry)`
 * is called after a run that was cut off or failed.
 */
export async function interleaved({ systems, rows, rounds, measure, reset, tell }) {
  const runs = [];
  for (let round = 0; round < rounds; round++)
    // Each round begins with another system, so that none always has the same neighbour.
    for (const row of rows.filter(({ once }) => round === 0 || !once))
      for (let i = 0; i < systems.length; i++) {
        const entry = systems[(i + round) % systems.length];
        const run = await attempt(entry, row, measure);
        runs.push({ row: row.name, system: entry.name, round, ...run });
        const said = run.failed === undefined ? tell(run) : `failed: ${run.failed}`;
        process.stderr.write(`${row.name} ${entry.name}: ${said}${run.cut ? ' (cut off)' : ''}\n`);
        if (run.cut || run.failed !== undefined) await reset(entry);
      }
  return runs;
}

async function attempt(entry, row, measure) {
  const load = loadavg()[0];
  try {
    return { load, ...(await measure(entry, row)) };
  } catch (error) {
    return { load, failed: `${error.message}\n${lastWords(entry.site.work)}` };
  }
}

/** What the report is made of. */
export function resultOf({ layers, rounds, limit }, systems, rows, runs) {
  const from = (packages) =>
    layers
      .filter(({ name }) => packages.includes(name))
      .map(({ name, version }) => `Debian ${name} ${version}`);
  return {
    rounds,
    limit,
    systems: systems.map(({ name, title, packages }) => ({ name, title, from: from(packages) })),
    rows,
    runs,
  };
}
