// The promise: accepted means delivered, at least once, whatever dies. Processes of a running instance are
// killed with -9 at random moments while messages come in; afterwards each accepted message must be in a
// mailbox. The same SEED (lib/seed.ts) picks the same kinds of victims at the same intervals.

import { chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { generator } from './lib/fault-shim/fault-plan.ts';
import {
  copyPrograms,
  killSupervisor,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stateOf,
  steadyPort,
  stopInstance,
} from './lib/instance.ts';
import { killQuietly, processesOf, retryNow, until } from './lib/processes.ts';
import { SEED } from './lib/seed.ts';
import { smtpSession } from './lib/smtp.ts';

const MESSAGES = 1000;
const SENDERS = 8;
/** One in so many messages goes to a virtual user (vdeliver); the others to a plain Maildir (qmail-local). */
const VIRTUAL_EVERY = 5;

let top = '';
let instance: RunningInstance | undefined;

afterEach(async () => {
  await removeInstance(join(top, 'var'), [instance?.supervisor]);
  await removeInstance(top, []);
});

test('kill -9 of any process at any moment of a run of 1,000 messages loses none', {
  timeout: 900_000,
}, async () => {
  console.log(`crash test: SEED=${SEED}`);
  const random = generator(SEED);
  top = openDirectory('crash-');
  const dir = join(top, 'var');
  const programs = copyPrograms(top);
  const ports = [await steadyPort(), await steadyPort()] as const;
  const start = () =>
    startInstance(
      dir,
      ['--smtp-port', String(ports[0]), '--pop3-port', String(ports[1]), '--skip-demo'],
      {},
      programs,
    );
  instance = await start();
  writeFileSync(join(dir, 'alias/.qmail-drop'), './Maildir/\n');
  for (const sub of ['', 'tmp', 'new', 'cur']) makeOwned(join(dir, 'alias/Maildir', sub), dir);

  const accepted = new Set<string>();
  const kills = new Map<string, number>();
  let sending = true;
  const killer = async () => {
    for (let lastKills = 0, before = 0; sending; lastKills++) {
      await pause(150 + random() * 450);
      // Where a start takes long, nothing would ever get through if the next one were always killed too.
      if (accepted.size > before) [lastKills, before] = [0, accepted.size];
      if (lastKills > 3) continue;
      if (killOne(dir, instance as RunningInstance, random, kills) === 'supervisor')
        instance = await start();
    }
  };
  const send = async () => {
    await Promise.all(
      Array.from({ length: SENDERS }, async (_, sender) => {
        for (let n = sender; sending && n < MESSAGES; n += SENDERS)
          while (sending && !(await sendOnce(ports[0], n, accepted))) await pause(100);
      }),
    );
  };
  // Whichever ends first, or fails, ends the other.
  const over = () => {
    sending = false;
  };
  await Promise.all([killer().finally(over), send().finally(over)]).catch((error: Error) => {
    throw new Error(`SEED=${SEED}, ${accepted.size} accepted: ${error.message}\n${stateOf(dir)}`);
  });
  expect(accepted.size).toBe(MESSAGES);
  expect(kills.size).toBeGreaterThan(3);

  const mailboxes = [
    join(dir, 'alias/Maildir/new'),
    join(dir, 'domains/example.test/users/alice/new'),
  ];
  const missing = () => {
    const arrived = new Set(mailboxes.flatMap(idsIn));
    return [...accepted].filter((id) => !arrived.has(id));
  };
  // Tried again now and then, as a killed delivery is put off for minutes, also one that had been made.
  let retried = Date.now();
  const done = (condition: () => boolean) => () => {
    if (Date.now() - retried > 5000) {
      retried = Date.now();
      retryNow(dir);
    }
    return condition();
  };
  await until(
    'every accepted message is in a mailbox',
    done(() => missing().length === 0),
    420,
  ).catch((error: Error) => {
    throw new Error(
      `${error.message}\nSEED=${SEED}\nmissing: ${missing().join(' ')}\n${stateOf(dir)}`,
    );
  });
  const copies = mailboxes.flatMap(idsIn).length;
  console.log(
    `crash test: killed ${[...kills].map(([name, n]) => `${name} ${n}`).join(', ')}; ${copies} copies of ${MESSAGES} messages`,
  );
  await until(
    'the queue is empty',
    done(() => queued(dir) === 0),
    240,
  );
  expect(await stopInstance(instance)).toBe(0);
});

/** Kills one process of the instance, or its supervisor. */
function killOne(
  dir: string,
  running: RunningInstance,
  random: () => number,
  kills: Map<string, number>,
): 'supervisor' | 'part' {
  const victims = processesOf(dir);
  const pick = Math.floor(random() * (victims.length + 0.3));
  const victim = victims[pick];
  const name = victim?.name ?? 'qmail-ts';
  kills.set(name, (kills.get(name) ?? 0) + 1);
  if (victim !== undefined && victim.name !== 'qmail-ts') {
    killQuietly(victim.pid, 'SIGKILL');
    return 'part';
  }
  killSupervisor(dir, running.supervisor);
  return 'supervisor';
}

/** Sends message `n` once: true when the server has said 250 after the dot. */
async function sendOnce(port: number, n: number, accepted: Set<string>): Promise<boolean> {
  const id = `m${n}@crash`;
  const to = n % VIRTUAL_EVERY === 0 ? 'alice@example.test' : 'drop@localhost';
  const mail = { sender: 'sender@elsewhere.test', recipients: [to] };
  const text = `Message-ID: <${id}>\n\nbody of ${id}\n`;
  if ((await smtpSession(port, mail, text)) === true) accepted.add(id);
  return accepted.has(id);
}

/** The messages in a maildir's new. A file there never changes: it is read once. */
function idsIn(maildir: string): string[] {
  return readdirSync(maildir).flatMap((name) => {
    const path = join(maildir, name);
    const id =
      seen.get(path) ??
      readFileSync(path, 'latin1').match(/^Message-ID: <(m\d+@crash)>$/m)?.[1] ??
      '';
    seen.set(path, id);
    return id === '' ? [] : [id];
  });
}

const seen = new Map<string, string>();

/** Messages in the queue that are not garbage: those with an info or a todo entry. */
function queued(dir: string): number {
  const count = (path: string): number => readdirSync(path).length;
  let total = count(join(dir, 'queue/todo'));
  for (const split of readdirSync(join(dir, 'queue/info')))
    total += count(join(dir, 'queue/info', split));
  return total;
}

function makeOwned(path: string, like: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { uid, gid } = statSync(like);
  chownSync(path, uid, gid);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
