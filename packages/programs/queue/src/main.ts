// qmail-queue(8): one message from fd 0 and fd 1 into the queue, or with --listen many from the socket.

import { resolve } from 'node:path';
import { qmailHome } from '@q/control';
import { faultOf, Permanent } from '@q/fault';
import { DirectorySync, pullTrigger } from '@q/fsx';
import { openLog } from '@q/log';
import { invokedBy } from '@q/message';
import { exitNow } from '@q/posix';
import type { Invocation } from '@q/proc';
import { QUEUE_ALARM, QueuePaths } from '@q/queue-files';
import { QueueExit, queueDescriptors, queueExitOf, queueSocketPath } from '@q/queue-socket';
import { QueueEntry } from './entry.ts';
import { ForwardSink } from './forward.ts';
import { PidNames } from './pid-names.ts';
import { serveQueue } from './resident.ts';
import { invokerIds, type Rights, takeRights } from './rights.ts';

/** What a terminal sends to everybody on it, or a limit to whoever meets it: no reason to drop a message. */
const IGNORED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGVTALRM', 'SIGPROF', 'SIGXCPU'] as const;

/** Queues one message, or serves until told to stop. Returns qmail-queue's exit code. */
export async function queueMain(invocation: Invocation): Promise<number> {
  const home = resolve(qmailHome(invocation.env)); // takeRights changes the directory
  if (invocation.options.listen !== undefined) return listenMain(invocation, home);
  try {
    return await oneMessage(home, takeRights(home));
  } catch (error) {
    // Nothing is written to fd 2, which may be anybody's: the exit code is the whole answer.
    return queueExitOf(error);
  }
}

async function oneMessage(home: string, rights: Rights): Promise<number> {
  const sink = rights.direct ? directEntry(rights) : new ForwardSink(queueSocketPath(home));
  const giveUp = () => {
    if (sink instanceof QueueEntry) sink.abandonSync();
    exitNow(QueueExit.TIMEOUT);
  };
  setTimeout(giveUp, QUEUE_ALARM * 1000).unref();
  process.on('SIGALRM', giveUp);
  for (const signal of IGNORED) process.on(signal, () => {});
  await queueDescriptors(sink);
  return QueueExit.QUEUED;
}

function directEntry(rights: Rights): QueueEntry {
  const paths = new QueuePaths('queue');
  return new QueueEntry({
    paths,
    names: new PidNames(),
    directories: new DirectorySync(),
    wake: () => pullTrigger(paths.lock('trigger')),
    uid: rights.uid,
    who: invokedBy(rights.uid, invokerIds()),
    pid: process.pid,
  });
}

async function listenMain(invocation: Invocation, home: string): Promise<number> {
  const { listen, lifeline } = invocation.options;
  const path = socketPathOf(listen, home);
  const rights = takeRights(home);
  if (!rights.direct) throw new Permanent("only the queue's owner or root can serve the queue");
  const log = openLog('qmail-queue');
  try {
    await serveQueue({
      path,
      paths: new QueuePaths('queue'),
      owner: rights.owner.uid,
      ids: invokerIds(log),
      lifeline: typeof lifeline === 'number' ? lifeline : undefined,
      log,
    });
    return 0;
  } catch (error) {
    throw faultOf(error, `unable to listen on ${path}`);
  }
}

/** `unix:PATH`; a bare `unix:` means the place where clients look. */
function socketPathOf(listen: unknown, home: string): string {
  const path = typeof listen === 'string' ? /^unix:(.*)$/s.exec(listen)?.[1] : undefined;
  if (path === undefined) throw new Permanent('--listen takes unix:PATH');
  return path === '' ? queueSocketPath(home) : path;
}
