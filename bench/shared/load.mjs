// The load, in a process of its own: node client.mjs JOB, the job as JSON (see rows.mjs, run.mjs); startClient() is its other
// end. Says "ready" when it has warmed up, waits for a line, works, and says what it did as JSON. What it holds open it
// lets go of at the end of its input.
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export const job = JSON.parse(process.argv[2]);

/**
 * Does what the job wants: `loads[job.load]` warms up, and resolves to the work that is measured. `done`: what it counts; told
 * with the seconds, this process's CPU time and, when the job's limit came first, `cut`.
 */
export async function runLoad(loads, done) {
  const input = createInterface({ input: process.stdin });
  const over = once(input, 'close');
  const work = await loads[job.load]();
  process.stdout.write('ready\n');
  await once(input, 'line');

  const cpu = process.cpuUsage();
  const start = performance.now();
  const finish = async (more) => {
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - start) / 1000;
    const told = { ...done, seconds, clientMs: (user + system) / 1000, ...more };
    process.stdout.write(`${JSON.stringify(told)}\n`);
    await over;
    process.exit(0);
  };
  const limit = setTimeout(() => finish({ cut: true }), job.limitMs);
  await work();
  clearTimeout(limit);
  await finish({});
}

let next = 0;

/** The job's users, one after the other and again: { user, password }. */
export function nextLogin() {
  return job.logins[next++ % job.logins.length];
}

/** job.connections times `act`, each again and again for `ms`. */
export function forSome(ms, act) {
  const end = performance.now() + ms;
  const loop = async (index) => {
    while (performance.now() < end) await act(index);
  };
  return Promise.all(Array.from({ length: job.connections }, (_, index) => loop(index)));
}

/** `act`, `count` times, `many` of them at a time. */
export async function times(count, many, act) {
  let begun = 0;
  const loop = async () => {
    while (begun++ < count) await act();
  };
  await Promise.all(Array.from({ length: many }, loop));
}

/** The load that logs in and out: `act` does it once. */
export async function logins(act, done) {
  await forSome(job.warmMs, act);
  return async () => {
    done.done = 0;
    await forSome(job.runMs, act);
  };
}

export function medianOf(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
