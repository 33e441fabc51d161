// The run itself, as process 1 of its own namespaces: bench/mail.mjs starts it with the plan's file name.
import { adapters } from '../adapters/index.mjs';
import { until } from '../shared/processes.mjs';
import {
  copyOfDist,
  insideNamespaces,
  interleaved,
  openSystems,
  resultOf,
} from '../shared/rounds.mjs';
import { enterSandbox, makeUser } from '../shared/sandbox.mjs';
import { REMOTE_CONCURRENCY, ROWS } from './rows.mjs';
import { runRow } from './run.mjs';

const DOMAIN = 'bench.test';
/** How many times the messages of a row, with --long. A list is one message. */
const LONG = 10;

await insideNamespaces(async (plan) => {
  enterSandbox(plan.work, plan.layers);
  const systems = await openAll(plan);
  const rows = ROWS.filter(({ name }) => plan.rows.includes(name))
    .flatMap((row) => (plan.quick ? quickened(row) : [row]))
    .map((row) => (plan.long ? lengthened(row) : row));
  const runs = await interleaved({
    systems,
    rows,
    rounds: plan.rounds,
    measure: async (entry, row) => {
      await settle(entry, row, plan.long);
      return runRow(row, entry.system, entry.site, plan.limit * 1000);
    },
    reset,
    tell,
  });
  for (const { system } of systems) await system.stop();
  return resultOf(plan, systems, rows, runs);
});

/** The row as --quick has it: none, or with fewer messages. */
function quickened(row) {
  return row.quick === undefined
    ? []
    : [{ ...row, count: row.quick, ...(row.recipients ? { recipients: 200 } : {}) }];
}

/** The row as --long has it. */
function lengthened(row) {
  return row.load === 'smtp' ? { ...row, count: row.count * LONG } : row;
}

function openAll(plan) {
  const { work, profile } = plan;
  return openSystems(plan, adapters, copyOfDist(plan), (_name, index) => ({
    smtpPort: 2501 + index,
    sinkPort: 2601 + index,
    domain: DOMAIN,
    user: makeUser(work, `bench${index + 1}`),
    profile,
  }));
}

/** Up, in the state that the row asks for. */
async function settle(entry, { to, remoteConcurrency = REMOTE_CONCURRENCY }, long) {
  const wanted = { deliver: to !== 'queue', remoteConcurrency };
  const { state } = entry;
  if (state?.deliver === wanted.deliver && state.remoteConcurrency === remoteConcurrency) return;
  if (state !== undefined) await reset(entry);
  await entry.system.start(wanted);
  await warmUp(entry, to === 'queue' ? 'queue' : 'local', long);
  entry.state = wanted;
}

/** The first messages: a system whose parts are still starting may defer them, and its first ones are slow. */
async function warmUp({ system, site }, to, long) {
  const limitMs = long ? 60_000 : 30_000;
  const count = long ? 400 : 20;
  const row = { count, connections: 2, load: 'smtp', to, many: false, bytes: 2000 };
  let reason;
  const works = await until(
    async () => {
      try {
        return !(await runRow(row, system, site, limitMs)).cut;
      } catch (error) {
        reason = error;
        return false;
      }
    },
    limitMs,
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

function tell({ accepted, delivered, cpu, memory }) {
  const rate = (value) => (value === undefined ? '-' : value.toFixed(1));
  return (
    `accepted ${rate(accepted)}/s delivered ${rate(delivered)}/s ` +
    `cpu ${rate(cpu)} ms memory ${rate(memory)} MB`
  );
}
