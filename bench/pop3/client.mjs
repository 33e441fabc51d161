// The load, in a process of its own: node client.mjs JOB, the job as JSON (see rows.mjs, run.mjs). Says "ready" when it has
// warmed up, waits for a line, works, and says what it did as JSON. What it holds open it lets go of at the end of its input.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Session } from './session.mjs';

const job = JSON.parse(process.argv[2]);
const { port, logins, connections, options, warmMs, runMs, limitMs } = job;
const input = createInterface({ input: process.stdin });
const over = once(input, 'close');
const held = [];
let next = 0;
let number = 0;
const done = { done: 0, bytes: 0 };

const work = { login, retr, list, idle }[job.load];
const run = await work();
process.stdout.write('ready\n');
await once(input, 'line');

const cpu = process.cpuUsage();
const start = performance.now();
const limit = setTimeout(() => finish({ cut: true }), limitMs);
await run();
clearTimeout(limit);
await finish({});

async function finish(more) {
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  process.stdout.write(
    `${JSON.stringify({ ...done, seconds, clientMs: (user + system) / 1000, ...more })}\n`,
  );
  await over;
  process.exit(0);
}

function nextLogin() {
  return logins[next++ % logins.length];
}

/** `connections` times `act`, each again and again for `ms`. */
function forSome(ms, act) {
  const end = performance.now() + ms;
  const loop = async (index) => {
    while (performance.now() < end) await act(index);
  };
  return Promise.all(Array.from({ length: connections }, (_, index) => loop(index)));
}

// --- the kinds of load: each warms up, and resolves to what is measured ---

async function login() {
  if (job.each) return each;
  await forSome(warmMs, logInAndOut);
  return async () => {
    done.done = 0;
    await forSome(runMs, logInAndOut);
  };
}

async function logInAndOut() {
  const { user, password } = nextLogin();
  const session = await Session.open(port, user, password, options);
  await session.say('STAT');
  await session.quit();
  done.done++;
}

/** Everybody once. */
async function each() {
  const loop = async () => {
    while (next < logins.length) await logInAndOut();
  };
  await Promise.all(Array.from({ length: connections }, loop));
}

async function retr() {
  const sessions = [];
  for (let i = 0; i < connections; i++) {
    const { user, password } = nextLogin();
    sessions.push(await Session.open(port, user, password, options));
  }
  held.push(...sessions);
  const some = job.ahead > 1 ? batch : one;
  const act = (index) => some(sessions[index]);
  await forSome(warmMs, act);
  return async () => {
    done.done = 0;
    for (const session of sessions) session.bytes = 0;
    await forSome(runMs, act);
    done.bytes = sessions.reduce((sum, { bytes }) => sum + bytes, 0);
  };
}

function nextNumber() {
  number = (number % job.messages) + 1;
  return number;
}

async function one(session) {
  await session.ask(`RETR ${nextNumber()}`);
  done.done++;
}

/** A client that sends commands before it has the answers: as many again when half of them are there. */
async function batch(session) {
  const half = Math.ceil(job.ahead / 2);
  session.ahead ??= [];
  const commands = Array.from({ length: job.ahead - session.ahead.length }, () => {
    session.ahead.push(session.answer(true));
    return `RETR ${nextNumber()}\r\n`;
  });
  session.send(commands.join(''));
  const waited = session.ahead.splice(0, half);
  await Promise.all(waited);
  done.done += waited.length;
}

async function list() {
  const { user, password } = nextLogin();
  const times = { login: [], uidl: [], list: [] };
  const look = async () => {
    const at = [performance.now()];
    const session = await Session.open(port, user, password, options);
    at.push(performance.now());
    await session.ask('UIDL');
    at.push(performance.now());
    await session.ask('LIST');
    at.push(performance.now());
    for (const [index, key] of Object.keys(times).entries())
      times[key].push(at[index + 1] - at[index]);
    done.done++;
    return session;
  };
  if (job.repeat) await (await look()).quit();
  return async () => {
    for (const key of Object.keys(times)) times[key] = [];
    done.done = 0;
    const end = performance.now() + (job.repeat ? runMs : 0);
    let session = await look();
    while (performance.now() < end) {
      await session.quit();
      session = await look();
    }
    held.push(session);
    for (const key of Object.keys(times)) done[key] = medianOf(times[key]);
  };
}

async function idle() {
  return async () => {
    const loop = async () => {
      while (next < connections) {
        const { user, password } = nextLogin();
        held.push(await Session.open(port, user, password, options));
        done.done++;
      }
    };
    await Promise.all(Array.from({ length: 10 }, loop));
  };
}

function medianOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
