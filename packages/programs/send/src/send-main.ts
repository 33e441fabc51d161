// qmail-send(8): from start to exit code.
//
// Descriptors, as qmail-start leaves them: 0 the log (written!), 1 and 2 to and from qmail-lspawn, 3 and 4
// qmail-rspawn, 5 and 6 qmail-clean, and the one that $QUEUELINK names, the resident qmail-queue's lifeline. fd 1
// and 2 are pipes that speak a protocol: nothing here may touch process.stdout, process.stderr or console.

import { constants, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { openControl, qmailHome } from '@q/control';
import { tryFlock } from '@q/fsx';
import { isOpen, setCloseOnExec } from '@q/posix';
import type { Invocation } from '@q/proc';
import { QueuePaths } from '@q/queue-files';
import { connectQueue, type Queue } from '@q/queue-socket';
import { CleanLink } from './clean-link.ts';
import { readSettings, type Settings } from './controls.ts';
import { QUEUE_START, THREADS } from './limits.ts';
import { openInput } from './pipe.ts';
import { sealStdio } from './seal-stdio.ts';
import { openSendLog, type SendLog, safeText } from './send-log.ts';
import { Sender } from './sender.ts';
import { SpawnLink } from './spawn-link.ts';

const LOG = 0;
const LSPAWN = { to: 1, from: 2 };
const RSPAWN = { to: 3, from: 4 };
const CLEAN = { to: 5, from: 6 };
const LIFELINE_MAX = 9;

export async function sendMain(invocation: Invocation): Promise<number> {
  const log = openSendLog(LOG);
  sealStdio((text) => log(`warning: ${safeText(text)}`));
  dieOfBugs(log);
  process.env.UV_THREADPOOL_SIZE ??= String(THREADS);
  try {
    return await send(invocation, log);
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    log(`alert: cannot start: ${error.message}`);
    return 111;
  }
}

class CannotStart extends Error {}

async function send({ env }: Invocation, log: SendLog): Promise<number> {
  const home = qmailHome(env);
  orDie('unable to switch to home directory', () => process.chdir(home));
  const control = openControl(home);
  const settings = orDie('unable to read controls', () => readSettings(control));
  orDie('unable to switch to queue directory', () => process.chdir('queue'));
  process.umask(0o077);
  const paths = new QueuePaths('.');
  takeMutex(paths.lock('sendmutex'));

  // What happens before there is a sender is told to it first thing.
  const early: ((sender: Sender) => void)[] = [];
  let sender: Sender | undefined;
  const tell = (event: (sender: Sender) => void) => {
    if (sender === undefined) early.push(event);
    else event(sender);
  };
  const stopped = new Promise<undefined>((resolve) => {
    process.on('SIGTERM', () => {
      resolve(undefined);
      tell((it) => it.stop());
    });
  });
  process.on('SIGALRM', () => tell((it) => it.tryAllNow()));
  process.on('SIGHUP', () => tell((it) => it.reread()));

  keepFromChildren();
  const open = orDie('descriptors 1 to 6 are not pipes', () => ({
    local: new SpawnLink(LSPAWN),
    remote: new SpawnLink(RSPAWN),
    clean: new CleanLink(CLEAN, () => tell((it) => it.lost('qmail-clean'))),
    lifeline: openLifeline(env.QUEUELINK, () => tell((it) => it.lost('qmail-queue'))),
  }));
  const queue = onceReady(connectQueue({ home, env, stderr: LOG }), open.lifeline?.ready);
  const close = () => {
    for (const link of [open.local, open.remote, open.clean, queue]) link.close();
    open.lifeline?.socket.destroy();
  };
  try {
    const slots = await Promise.race([slotsOf(settings, open), stopped]);
    if (slots === undefined) {
      log('status: exiting');
      return 0;
    }
    const context = { paths, log, settings, now: () => Math.floor(Date.now() / 1000) };
    const made = new Sender({ context, control, links: open, slots, clean: open.clean, queue });
    orDie('unable to read queue', () => made.load());
    sender = made;
    for (const event of early) event(made);
    await made.run();
    log('status: exiting');
    return 0;
  } finally {
    close();
    // A bounce that hangs must not keep the process: it will be sent again.
    setTimeout(() => process.exit(), 1000).unref();
  }
}

/** Each spawner says first how many deliveries it can run; both must have said so before anything begins. */
async function slotsOf(settings: Settings, links: { local: SpawnLink; remote: SpawnLink }) {
  const limits = { local: await links.local.limit, remote: await links.remote.limit };
  const { local, remote } = limits;
  if (local === undefined || remote === undefined) {
    throw new CannotStart('hath the daemon spawn no fire?');
  }
  return {
    local: Math.min(settings.concurrency.local, local),
    remote: Math.min(settings.concurrency.remote, remote),
  };
}

/** A $QMAILQUEUE program must not hold our pipes open: their ends are how everybody learns of our end. */
function keepFromChildren(): void {
  for (let fd = LOG; fd <= LIFELINE_MAX; fd++) if (isOpen(fd)) setCloseOnExec(fd, true);
}

/** Held until the process ends, by whatever end. */
function takeMutex(path: string): void {
  const fd = orDie('unable to open mutex', () => openSync(path, constants.O_WRONLY));
  if (!orDie('unable to lock mutex', () => tryFlock(fd, 'exclusive'))) {
    throw new CannotStart('qmail-send is already running');
  }
}

interface Lifeline {
  readonly socket: Socket;
  /** Resolves when the queue server listens, or is gone, or has taken too long. */
  readonly ready: Promise<void>;
}

function openLifeline(number: string | undefined, onGone: () => void): Lifeline | undefined {
  if (number === undefined || !/^[7-9]$/.test(number)) return undefined;
  let settle = () => {};
  const ready = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const patience = setTimeout(settle, QUEUE_START * 1000).unref();
  const socket = openInput(Number(number), settle, () => {
    settle();
    onGone();
  });
  ready.then(() => clearTimeout(patience));
  return { socket, ready };
}

/** A bounce may be due before the queue server, started together with us, listens. */
function onceReady(queue: Queue, ready: Promise<void> | undefined): Queue {
  if (ready === undefined) return queue;
  const open: Queue['open'] = async (env) => {
    await ready;
    return queue.open(env);
  };
  return { open, close: () => queue.close() };
}

function orDie<Result>(what: string, action: () => Result): Result {
  try {
    return action();
  } catch {
    throw new CannotStart(what);
  }
}

/** The queue is consistent at every moment: after a bug the safest thing is to end and be started again. */
function dieOfBugs(log: SendLog): void {
  const die = (error: unknown) => {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    log(`alert: internal error: ${safeText(text)}; dying...`);
    process.exit(111);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}
