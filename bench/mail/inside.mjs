// The run itself, as process 1 of its own namespaces: bench/mail.mjs starts it with the plan's file name.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { loadAdapter } from '../adapters/index.mjs';
import { lastWords, until } from './processes.mjs';
import { REMOTE_CONCURRENCY, ROWS } from './rows.mjs';
import { runRow } from './run.mjs';
import { enterSandbox, makeUser } from './sandbox.mjs';

const DOMAIN = 'bench.test';
const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const WARM_UP = {
  count: plan.long ? 400 : 20,
  connections: 2,
  limitMs: plan.long ? 60_000 : 30_000,
};
/** How many times the messages of a row, with --long. A list is one message. */
const LONG = 10;
process.umask(0o022);
// Whoever started us holds the other end.
process.stdin.on('close', () => process.exit(1)).resume();

try {
  enterSandbox(plan.work, plan.layers);
  const systems = await openAll(plan);
  const rows = ROWS.filter(({ name }) => plan.rows.includes(name))
    .flatMap(quickened)
    .map(lengthened);
  const runs = await measureAll(systems, rows, plan);
  for (const { system } of systems) await system.stop();
  writeFileSync(join(plan.work, 'result.json'), JSON.stringify(resultOf(systems, rows, runs)));
  process.exit(0);
} catch (error) {
  process.stderr.write(`bench: ${error.stack}\n`);
  process.exit(1); // as process 1: all others end with it
}

/** The row as --quick has it: none, or with fewer messages. */
function quickened(row) {
  if (!plan.quick) return [row];
  return row.quick === undefined
    ? []
    : [{ ...row, count: row.quick, ...(row.recipients ? { recipients: 200 } : {}) }];
}

/** The row as --long has it. */
function lengthened(row) {
  return plan.long && row.load === 'smtp' ? { ...row, count: row.count * LONG } : row;
}

async function openAll({ systems, work, dist: built, profile }) {
  const dist = join(work, 'dist');
  if (!existsSync(join(built, 'qmail-start')))
    throw new Error(`nothing is built in ${built}: npx tsup`);
  // A copy: a build while the run goes on must not change what is measured.
  cpSync(built, dist, { recursive: true });
  if (profile !== undefined) {
    mkdirSync(profile, { recursive: true });
    chmodSync(profile, 0o1777);
  }
  const opened = [];
  for (const [index, name] of systems.entries()) {
    const adapter = await loadAdapter(name);
    const site = {
      work: join(work, 'systems', name),
      smtpPort: 2501 + index,
      sinkPort: 2601 + index,
      domain: DOMAIN,
      user: makeUser(work, `bench${index + 1}`),
      dist,
      profile,
    };
    mkdirSync(site.work, { recursive: true });
    const system = adapter.open(site);
    opened.push({ name, title: adapter.title, packages: adapter.packages, site, system });
  }
  return opened;
}

/** Round by round, row by row, each row on all systems in turn: what else the machine does hits them alike. */
async function measureAll(systems, rows, { rounds, limit }) {
  const runs = [];
  for (let round = 0; round < rounds; round++)
    // Each round begins with another system, so that none always has the same neighbour.
    for (const row of rows)
      for (let i = 0; i < systems.length; i++) {
        const entry = systems[(i + round) % systems.length];
        const run = await attempt(entry, row, limit * 1000);
        runs.push({ row: row.name, system: entry.name, round, ...run });
        tell(row, entry, run);
        if (run.cut || run.failed !== undefined) await reset(entry);
      }
  return runs;
}

/** The measurement, or why there is none: one system's trouble is not the end of the whole run. */
async function attempt(entry, row, limitMs) {
  try {
    await settle(entry, row);
    const load = loadavg()[0];
    return { load, ...(await runRow(row, entry.system, entry.site, limitMs)) };
  } catch (error) {
    return { failed: `${error.message}\n${lastWords(entry.site.work)}` };
  }
}

/** Up, in the state that the row asks for. */
async function settle(entry, { to, remoteConcurrency = REMOTE_CONCURRENCY }) {
  const wanted = { deliver: to !== 'queue', remoteConcurrency };
  const { state } = entry;
  if (state?.deliver === wanted.deliver && state.remoteConcurrency === remoteConcurrency) return;
  if (state !== undefined) await reset(entry);
  await entry.system.start(wanted);
  await warmUp(entry, to === 'queue' ? 'queue' : 'local');
  entry.state = wanted;
}

/** The first messages: a system whose parts are still starting may defer them, and its first ones are slow. */
async function warmUp({ system, site }, to) {
  const row = { ...WARM_UP, load: 'smtp', to, many: false, bytes: 2000 };
  let reason;
  const works = await until(
    async () => {
      try {
        return !(await runRow(row, system, site, WARM_UP.limitMs)).cut;
      } catch (error) {
        reason = error;
        return false;
      }
    },
    WARM_UP.limitMs,
    500,
  );
  if (!works) throw reason ?? new Error(`${site.work}: the first messages do not arrive`);
}

/** Down, and without the mail that is left. */
async function reset(entry) {
  await entry.system.stop();
  entry.system.wipe();
  entry.state = undefined;
}

function tell(row, { name }, run) {
  if (run.failed !== undefined) {
    process.stderr.write(`${row.name} ${name}: failed: ${run.failed}\n`);
    return;
  }
  const rate = (value) => (value === undefined ? '-' : value.toFixed(1));
  process.stderr.write(
    `${row.name} ${name}: accepted ${rate(run.accepted)}/s delivered ${rate(run.delivered)}/s ` +
      `cpu ${rate(run.cpu)} ms memory ${rate(run.memory)} MB${run.cut ? ' (cut off)' : ''}\n`,
  );
}

function resultOf(systems, rows, runs) {
  const from = (packages) =>
    plan.layers
      .filter(({ name }) => packages.includes(name))
      .map(({ name, version }) => `Debian ${name} ${version}`);
  return {
    rounds: plan.rounds,
    limit: plan.limit,
    systems: systems.map(({ name, title, packages }) => ({ name, title, from: from(packages) })),
    rows,
    runs,
  };
}
