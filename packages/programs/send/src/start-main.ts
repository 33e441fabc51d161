// qmail-start(8): makes the pipes, starts the parts of the paper path each as its own user, and becomes
// qmail-send. Runs as root, or as the owner of a private instance. Every failure is one line and exit 111; what
// was started by then sees end of file and ends.
//
//   process                      user    fd 0             fd 1             others
//   logger, if given             qmaill  log, read        ours             2 ours
//   qmail-lspawn DEFAULTDELIVERY root    from qmail-send  to qmail-send    2 log
//   qmail-rspawn                 qmailr  from qmail-send  to qmail-send    2 log
//   qmail-clean                  qmailq  from qmail-send  to qmail-send    2 log, 3 its turn
//   qmail-queue --listen         qmailq  lifeline         nothing          2 log
//   qmail-send                   qmails  log, written     see send-main.ts
//
// The log is the logger's pipe, or our fd 1. qmail closes fd 2 of the spawners and qmail-clean; here they
// keep a place to say why they cannot work. qmail-queue is the addition: C has it set-uid instead.

import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { qmailHome } from '@q/control';
import { errnoOf, faultOf, Temporary } from '@q/fault';
import { tryFlock } from '@q/fsx';
import {
  dropPrivileges,
  dup2,
  dupAbove,
  execve,
  findProgram,
  forgetChildren,
  pipe,
  socketpair,
} from '@q/posix';
import { type Invocation, spawn } from '@q/proc';
import { QueuePaths } from '@q/queue-files';
import { type QmailIds, qmailIds } from '@q/users';
import { CLEAN_END } from './limits.ts';

/** Above every descriptor that qmail-send gets, and above Node's own, so that none is overwritten too early. */
const HIGH = 64;
const LIFELINE = 7;
/** Milliseconds. */
const TURN_RETRY_MS = 10;

export async function startMain(invocation: Invocation): Promise<number> {
  try {
    const home = qmailHome(invocation.env);
    const ids = idsFor(home);
    process.chdir('/');
    process.umask(0o077);
    refuseSecond(home);
    makeRunDirectory(home, ids);
    const turn = await turnOfClean(home);
    return becomeSend(invocation, ids, await startOthers(invocation, ids, turn));
  } catch (error) {
    throw new Temporary(faultOf(error, 'unable to start').message, { cause: error });
  }
}

/** qmail-send's ends, each at some descriptor of ours; the index is where qmail-send has it. */
type SendEnds = readonly number[];

async function startOthers(invocation: Invocation, ids: QmailIds, turn: number): Promise<SendEnds> {
  const [defaultDelivery = './Mailbox', logger, ...loggerArgs] = invocation.args;
  const { QUEUELINK: _, ...env } = invocation.env;
  const find = (name: string) => findSibling(name, invocation);
  // Found before anything runs: a missing program should not leave half of the others behind for a moment.
  const programs = {
    lspawn: find('qmail-lspawn'),
    rspawn: find('qmail-rspawn'),
    clean: find('qmail-clean'),
    queue: findQueue(invocation),
  };
  const log = logger === undefined ? undefined : pipe();
  const logFd = log?.write ?? 1;
  const links = {
    local: [pipe(), pipe()],
    remote: [pipe(), pipe()],
    clean: [pipe(), pipe()],
  } as const;
  const [lifeline, lifelineOfQueue] = socketpair();

  if (log !== undefined) {
    const who = { uid: ids.qmaill, gid: ids.nofiles };
    await spawn({ file: logger as string, args: loggerArgs, env, stdio: [log.read, 1, 2], ...who });
  }
  const start = async (
    file: string,
    args: readonly string[],
    uid: number,
    [to, from]: readonly [{ read: number }, { write: number }],
    more: readonly number[] = [],
  ) => {
    const stdio = [to.read, from.write, logFd, ...more];
    await spawn({ file, args, env, stdio, uid, gid: ids.qmail });
  };
  await start(programs.lspawn, [defaultDelivery], process.getuid?.() ?? 0, links.local);
  await start(programs.rspawn, [], ids.qmailr, links.remote);
  await start(programs.clean, [], ids.qmailq, links.clean, [turn]);
  await spawn({
    file: programs.queue,
    args: ['--listen', 'unix:', '--lifeline', '0'],
    env,
    stdio: [lifelineOfQueue, 'ignore', logFd],
    uid: ids.qmailq,
    gid: ids.qmail,
  });
  const ends = Object.values(links).flatMap(([to, from]) => [to.write, from.read]);
  return [logFd, ...ends, lifeline];
}

/** Does not return, except by a fault before anything irreversible. */
function becomeSend({ env, ...invocation }: Invocation, ids: QmailIds, ends: SendEnds): never {
  const file = findSibling('qmail-send', { env, ...invocation });
  const raised = ends.map((fd) => dupAbove(fd, HIGH));
  const complaints = dupAbove(2, HIGH);
  if (!ids.single) dropPrivileges({ uid: ids.qmails, gid: ids.qmail });
  try {
    // From here on Node's own descriptors may be gone: nothing asynchronous, and no way back.
    forgetChildren();
    raised.forEach((fd, target) => void dup2(fd, target));
    const fds = raised.map((_, target) => target);
    execve(file, [file], { ...env, QUEUELINK: String(LIFELINE) }, { fds });
  } catch (error) {
    const { message } = faultOf(error, `unable to run ${file}`);
    writeSync(complaints, Buffer.from(`qmail-start: fatal: ${message}\n`));
    process.exit(111);
  }
}

function idsFor(home: string): QmailIds {
  const ids = qmailIds(home);
  if (!ids.single && process.geteuid?.() !== 0) {
    throw new Temporary(`only root, or the owner of ${home} and its queue, can start qmail`);
  }
  return ids;
}

/**
 * A second qmail-send would end at once, but the queue server beside it would have taken the place of the first
 * one's by then: nobody could queue mail any more. Throws Temporary when one is running. The lock asked for is
 * a shared one, so that two that look at the same time do not see each other.
 */
function refuseSecond(home: string): void {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const path = new QueuePaths(join(home, 'queue')).lock('sendmutex');
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return; // qmail-send will say what is wrong with its queue
  }
  try {
    if (!tryFlock(fd, 'shared')) throw new Temporary('qmail-send is already running');
  } finally {
    closeSync(fd);
  }
}

/** Where the queue server binds its socket. Only qmailq may write there: who could would get all mail. */
function makeRunDirectory(home: string, ids: QmailIds): void {
  const path = join(home, 'run');
  try {
    mkdirSync(path);
    chmodSync(path, 0o755);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw faultOf(error, `unable to create ${path}`);
  }
  const found = lstatSync(path);
  if (!found.isDirectory()) throw new Temporary(`${path} is not a directory`);
  if (ids.single || found.uid === ids.qmailq) return;
  lchownSync(path, ids.qmailq, ids.qmail);
}

/**
 * A qmail-clean whose qmail-send was killed still does what it was asked for last. Were there another qmail-send by then,
 * which takes the same message over once more, todo/N could go while the files that replace it are being written: with the
 * next crash the message would be lost. So each qmail-clean holds this lock, of the directory run, until it ends; and
 * before that nothing is started. Throws Temporary when it takes too long.
 */
async function turnOfClean(home: string): Promise<number> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const fd = openSync(join(home, 'run'), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const deadline = performance.now() + CLEAN_END * 1000;
  while (!tryFlock(fd, 'exclusive')) {
    if (performance.now() >= deadline)
      throw new Temporary('the qmail-clean of an earlier qmail-send is still at work');
    await sleep(TURN_RETRY_MS);
  }
  return fd;
}

/** Looked for in PATH, as qmail does; then beside qmail-start. */
function findSibling(name: string, { env, program }: Pick<Invocation, 'env' | 'program'>): string {
  try {
    return findProgram(name, env.PATH);
  } catch {
    return findProgram(join(dirname(program), name), undefined);
  }
}

/** Beside qmail-start first: a C qmail-queue found in PATH would know nothing of --listen. */
function findQueue({ env, program }: Invocation): string {
  try {
    return findProgram(join(dirname(program), 'qmail-queue'), undefined);
  } catch {
    return findProgram('qmail-queue', env.PATH);
  }
}
