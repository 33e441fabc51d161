// A queue with many messages in it: how long qmail-start needs until it delivers, what memory it takes, and how fast the
// queue drains, beside the same deliveries from a small queue in the same run. See docs/performance.md.
//   node bench/large-queue.mjs [--count N] [--state todo|preprocessed] [--help]
// Everything happens in an instance of its own in a scratch directory. Root runs it as a uid without an account.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { drain } from './large-queue/drain.mjs';
import { makeTree } from './large-queue/tree.mjs';
import { machine } from './shared/machine.mjs';

const BUILT = join(import.meta.dirname, '../bin/dist');

const USAGE = `usage: node bench/large-queue.mjs [options]
  --count N         messages in the queue at the start (200000)
  --state STATE     todo: as qmail-queue leaves them; preprocessed: as qmail-send has them (preprocessed)
  --small N         messages in the small queues before and after, whose rate is the ideal (2000)
  --size BYTES      of a message (2048)
  --concurrency N   deliveries at a time (20)
  --seconds S       stops there, drained or not (3600)
  --scratch DIR     where to work: the disk that is measured
  --dist DIR        another build
  --json            one object instead of text
`;

const options = parse(process.argv.slice(2));
if (options === undefined) giveUp(USAGE);
else if (options.help) process.stdout.write(USAGE);
else await main(options).catch((error) => giveUp(`bench: ${error.stack}\n`));

async function main(plan) {
  const about = machine(plan.scratch, plan.dist);
  const before = await measure(plan, plan.small);
  const large = await measure(plan, plan.count);
  const after = await measure(plan, plan.small);
  const { state, size, concurrency } = plan;
  const result = { machine: about, plan: { state, size, concurrency }, before, large, after };
  process.stdout.write(plan.json ? `${JSON.stringify(result)}\n` : asText(result));
}

/** Fills a queue of its own and drains it. */
async function measure(plan, count) {
  const work = mkdtempSync(join(plan.scratch, 'large-queue-'));
  chmodSync(work, 0o755);
  try {
    process.stderr.write(`bench: ${count} messages, ${plan.state}\n`);
    const tree = await makeTree(join(work, 'var'), plan.dist, { ...plan, count });
    return { count, ...(await drain(tree, { count, seconds: plan.seconds })) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function parse(args) {
  const string = { type: 'string' };
  const boolean = { type: 'boolean', default: false };
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        count: string,
        state: string,
        small: string,
        size: string,
        concurrency: string,
        seconds: string,
        scratch: string,
        dist: string,
        json: boolean,
        help: boolean,
      },
    }));
  } catch {
    return undefined;
  }
  const numbers = {
    count: Number(values.count ?? 200_000),
    small: Number(values.small ?? 2000),
    size: Number(values.size ?? 2048),
    concurrency: Number(values.concurrency ?? 20),
    seconds: Number(values.seconds ?? 3600),
  };
  const state = values.state ?? 'preprocessed';
  if (!Object.values(numbers).every((number) => Number.isInteger(number) && number > 0))
    return undefined;
  if (!['todo', 'preprocessed'].includes(state)) return undefined;
  return {
    ...numbers,
    state,
    json: values.json,
    help: values.help,
    scratch: resolve(values.scratch ?? tmpdir()),
    dist: resolve(values.dist ?? BUILT),
  };
}

function asText({ machine: m, plan, before, large, after }) {
  const columns = [before, large, after];
  const row = (name, value) =>
    `${name.padEnd(44)}${columns.map((one) => String(value(one)).padStart(12)).join('')}\n`;
  const ideal = (before.rate + after.rate) / 2;
  return [
    `${m.cores} x ${m.cpu}, ${m.memoryMB} MB; ${m.system}, Linux ${m.kernel}; ${m.disk}\n`,
    `Node ${m.node}; commit ${m.commit}; ${m.date} UTC; load at start ${m.loadAtStart.join(' ')}\n`,
    `${plan.state}, ${plan.size} bytes each, ${plan.concurrency} deliveries at a time\n\n`,
    row('in the queue at the start', (one) => one.count),
    row('delivered', (one) => one.delivered),
    row('start to first delivery, s', (one) => one.firstSeconds.toFixed(2)),
    row('CPU of qmail-send until then, s', (one) => one.firstCpu.toFixed(2)),
    row('deliveries/s from the first on', (one) => one.rate.toFixed(1)),
    row('  slowest and fastest tenth of the time', (one) => one.range.join('-')),
    row('CPU of all processes, ms each', (one) => one.cpuEach.toFixed(2)),
    row('  qmail-send', (one) => one.sendCpuEach.toFixed(2)),
    row('memory of qmail-send at most (RSS), MB', (one) => one.peakMB),
    row('SIGTERM to its end, s', (one) => one.stopSeconds.toFixed(2)),
    row('load at the end', (one) => one.load),
    `\nrate, large beside small: ${(large.rate / ideal).toFixed(2)} of the ideal ${ideal.toFixed(1)}\n`,
  ].join('');
}

function giveUp(text) {
  process.stderr.write(text);
  process.exitCode = 1;
}
