// The load with IMAP: see shared/load.mjs.
import { renameSync, writeFileSync } from 'node:fs';
import { job, logins, medianOf, nextLogin, runLoad, times } from '../shared/load.mjs';
import { plainMessage } from './mailboxes.mjs';
import { commandsOf, MixedClient } from './mixed.mjs';
import { Session } from './session.mjs';

const APPENDS = 1000;

const held = [];
const done = { done: 0 };

await runLoad({ command, select, append, wake, mixed, login, idle }, done);

function open() {
  const { user, password } = nextLogin();
  return Session.open(job.port, user, password);
}

/** Milliseconds that `act` takes: the median of `repeat` times; `after` is not counted. */
async function timed(act, after = async () => {}) {
  const taken = [];
  for (let i = 0; i < (job.repeat ?? 1); i++) {
    const at = performance.now();
    await act();
    taken.push(performance.now() - at);
    await after();
    done.done++;
  }
  done.ms = medianOf(taken);
}

// --- the kinds of load: each prepares, and resolves to what is measured ---

async function command() {
  const session = await open();
  await session.run('SELECT INBOX');
  // What a run that was cut off has left.
  for (const one of job.after) await session.run(one).catch(() => {});
  for (const one of job.before) await session.run(one);
  const commands = await timedCommands(session);
  if (!job.cold && job.repeat > 1) await session.run(job.timed);
  return async () => {
    await timed(async () => {
      for (const one of commands) await session.run(one);
    });
    for (const one of job.after) await session.run(one);
    session.close();
  };
}

/** The command to be timed, or what a client does without it where the server does not offer it. */
async function timedCommands(session) {
  if (job.instead === undefined) return [job.timed];
  const offered = await session.capabilities();
  return offered.includes(job.capability) ? [job.timed] : job.instead;
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

async function mixed() {
  const session = await open();
  for (const one of job.after) await session.run(one).catch(() => {});
  await session.run('SELECT INBOX');
  for (const one of job.before) await session.run(one);
  const about = { count: job.part, mailbox: job.copy, other: job.copy2 };
  const lists = Array.from({ length: job.connections }, (_, i) =>
    commandsOf(i, job.commands, about),
  );
  const clients = lists.map(() => new MixedClient(open, job.copy));
  for (const client of clients) await client.begin();
  return async () => {
    done.errors = 0;
    const told = (error) => {
      done.done++;
      if (error === undefined) return;
      done.errors++;
      done.firstError ??= error.message;
    };
    await Promise.all(clients.map((client, i) => client.work(lists[i], told)));
    for (const client of clients) client.close();
    for (const one of job.after) await session.run(one);
    session.close();
  };
}

function login() {
  return logins(async () => {
    const session = await open();
    await session.run('LOGOUT');
    session.close();
    done.done++;
  }, done);
}

async function idle() {
  return () =>
    times(job.connections, 10, async () => {
      const session = await open();
      held.push(session);
      await session.run('SELECT INBOX');
      session.send('idle IDLE\r\n');
      await session.heard('+ ');
      done.done++;
    });
}
