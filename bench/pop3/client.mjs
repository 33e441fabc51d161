// The load with POP3: see shared/load.mjs.
import { forSome, job, logins, medianOf, nextLogin, runLoad, times } from '../shared/load.mjs';
import { Session } from './session.mjs';

const held = [];
let number = 0;
const done = { done: 0, bytes: 0 };

await runLoad({ login, retr, list, idle }, done);

function open() {
  const { user, password } = nextLogin();
  return Session.open(job.port, user, password, job.options);
}

// --- the kinds of load: each warms up, and resolves to what is measured ---

function login() {
  if (!job.each) return logins(logInAndOut, done);
  // Everybody once.
  return () => times(job.logins.length, job.connections, logInAndOut);
}

async function logInAndOut() {
  const session = await open();
  await session.say('STAT');
  await session.quit();
  done.done++;
}

async function retr() {
  const sessions = [];
  for (let i = 0; i < job.connections; i++) sessions.push(await open());
  held.push(...sessions);
  const some = job.ahead > 1 ? batch : one;
  const act = (index) => some(sessions[index]);
  await forSome(job.warmMs, act);
  return async () => {
    done.done = 0;
    for (const session of sessions) session.bytes = 0;
    await forSome(job.runMs, act);
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
  const taken = { login: [], uidl: [], list: [] };
  const look = async () => {
    const at = [performance.now()];
    const session = await Session.open(job.port, user, password, job.options);
    at.push(performance.now());
    await session.ask('UIDL');
    at.push(performance.now());
    await session.ask('LIST');
    at.push(performance.now());
    for (const [index, key] of Object.keys(taken).entries())
      taken[key].push(at[index + 1] - at[index]);
    done.done++;
    return session;
  };
  if (job.repeat) await (await look()).quit();
  return async () => {
    for (const key of Object.keys(taken)) taken[key] = [];
    done.done = 0;
    const end = performance.now() + (job.repeat ? job.runMs : 0);
    let session = await look();
    while (performance.now() < end) {
      await session.quit();
      session = await look();
    }
    held.push(session);
    for (const key of Object.keys(taken)) done[key] = medianOf(taken[key]);
  };
}

async function idle() {
  return () =>
    times(job.connections, 10, async () => {
      held.push(await open());
      done.done++;
    });
}
