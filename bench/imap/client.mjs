// The load, in a process of its own: node client.mjs JOB, the job as JSON (see rows.mjs, run.mjs). Says "ready" when it has
// warmed up, waits for a line, works, and says what it did as JSON. What it holds open it lets go of at the end of its input.
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { plainMessage } from './mailboxes.mjs';
import { Session } from './session.mjs';

const APPENDS = 1000;

const job = JSON.parse(process.argv[2]);
const { port, logins, connections, warmMs, runMs, limitMs } = job;
const input = createInterface({ input: process.stdin });
const over = once(input, 'close');
const held = [];
let next = 0;
const done = { done: 0 };

const run = await { command, select, append, wake, login, idle }[job.load]();
process.stdout.write('ready\n');
await once(input, 'line');

const start = performance.now();
const limit = setTimeout(() => finish({ cut: true }), limitMs);
await run();
clearTimeout(limit);
await finish({});

async function finish(more) {
  const seconds = (performance.now() - start) / 1000;
  process.stdout.write(`${JSON.stringify({ ...done, seconds, ...more })}\n`);
  await over;
  process.exit(0);
}

function open() {
  const { user, password } = logins[next++ % logins.length];
  return Session.open(port, user, password);
}

/** Milliseconds that `act` takes: the median of `repeat` times; `after` is not counted. */
async function timed(act, after = async () => {}) {
  const times = [];
  for (let i = 0; i < (job.repeat ?? 1); i++) {
    const at = performance.now();
    await act();
    times.push(performance.now() - at);
    await after();
    done.done++;
  }
  done.ms = times.toSorted((a, b) => a - b)[times.length >> 1];
}

// --- the kinds of load: each prepares, and resolves to what is measured ---

async function command() {
  const session = await open();
  await session.run('SELECT INBOX');
  // What a run that was cut off has left.
  for (const one of job.after) await session.run(one).catch(() => {});
  for (const one of job.before) await session.run(one);
  if (!job.cold && job.repeat > 1) await session.run(job.timed);
  return async () => {
    await timed(() => session.run(job.timed));
    for (const one of job.after) await session.run(one);
    session.close();
  };
}

async function select() {
  let session = await open();
  if (!job.cold) await session.run('SELECT INBOX');
  return () =>
    timed(
      () => session.run('SELECT INBOX'),
      async () => {
        session.close();
        session = await open();
      },
    );
}

async function append() {
  const session = await open();
  const message = plainMessage(2000);
  await session.run(`DELETE ${job.copy}`).catch(() => {});
  await session.run(`CREATE ${job.copy}`);
  return async () => {
    await timed(async () => {
      for (let i = 0; i < APPENDS; i++) await session.append(job.copy, message);
    });
    await session.run(`DELETE ${job.copy}`);
    session.close();
  };
}

async function wake() {
  const session = await open();
  await session.run('SELECT INBOX');
  session.send('idle IDLE\r\n');
  await session.heard('+ ');
  let number = 0;
  return async () => {
    await timed(async () => {
      const name = `${1_900_000_000 + job.round}.M${number++}P${process.pid}.wake`;
      writeFileSync(`${job.maildir}/tmp/${name}`, plainMessage(500).replaceAll('\r\n', '\n'));
      const heard = session.heardWord('EXISTS');
      renameSync(`${job.maildir}/tmp/${name}`, `${job.maildir}/new/${name}`);
      await heard;
    });
    session.send('DONE\r\n');
    await session.heard('idle OK');
    // As it was before.
    await session.run('SEARCH ALL');
    await session.run(`STORE ${job.count + 1}:* +FLAGS.SILENT (\\Deleted)`);
    await session.run('EXPUNGE');
    session.close();
  };
}

async function login() {
  const forSome = (ms) => {
    const end = performance.now() + ms;
    const loop = async () => {
      while (performance.now() < end) {
        const session = await open();
        await session.run('LOGOUT');
        session.close();
        done.done++;
      }
    };
    return Promise.all(Array.from({ length: connections }, loop));
  };
  await forSome(warmMs);
  return async () => {
    done.done = 0;
    await forSome(runMs);
  };
}

async function idle() {
  return async () => {
    const loop = async () => {
      while (next < connections) {
        const session = await open();
        held.push(session);
        await session.run('SELECT INBOX');
        session.send('idle IDLE\r\n');
        await session.heard('+ ');
        done.done++;
      }
    };
    await Promise.all(Array.from({ length: 10 }, loop));
  };
}
