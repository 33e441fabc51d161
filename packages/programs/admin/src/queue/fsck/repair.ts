// qmail-qfsck --repair: one thing after the other, each from a state of the queue that is right so far. No
// qmail-send runs meanwhile. Whatever is interrupted is done by the next repair.

import {
  closeSync,
  constants,
  fsyncSync,
  futimesSync,
  lstatSync,
  openSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errnoText, isFault, Temporary } from '@q/fault';
import { fsyncDirSync, tryFlock } from '@q/fsx';
import { encodeInfo, makeQueueTree, type QueuePaths } from '@q/queue-files';
import { soft } from '../../trouble.ts';
import type { QueueAccess } from '../access.ts';
import { statIfThere } from '../message.ts';
import type { Progress } from '../progress.ts';
import { claimQueue, interruptedRepair, repairMutex } from '../send-process.ts';
import { check } from './check.ts';
import { MESSAGE_DIRECTORIES, type MessageDirectory, placeOf } from './files.ts';
import { Hands } from './hands.ts';
import type { Finding, Remedy } from './judge.ts';
import { renumber } from './renumber.ts';

export interface RepairTools {
  readonly access: QueueAccess;
  readonly progress: Progress;
  /** A line for each thing done or not done. */
  readonly tell: (line: string) => void;
}

/** Throws Temporary while qmail-send runs. */
export async function repair(tools: RepairTools): Promise<void> {
  const { access } = tools;
  const hands = new Hands(access);
  const release = claim(access);
  try {
    if (interruptedRepair(access.paths) !== undefined)
      renumber(access, hands, tools.progress, tools.tell);
    makeQueueTree(access.home, access.ids);
    const first = await remedy(tools, {
      own: (finding) => own(hands, finding),
      move: (finding) => move(hands, finding),
    });
    // What was moved has not been judged where it is now.
    if (first.has('renumber') || first.has('move')) {
      const count = renumber(access, hands, tools.progress, tools.tell);
      tools.tell(`${count} messages renumbered`);
    }
    await remedy(tools, {
      lose: ({ path }) => `now ${hands.lose(directoryOf(path), path)}`,
      sender: (finding) => replaceSender(access, hands, finding),
    });
    hands.syncDirectories();
  } finally {
    release();
  }
}

/** The mutex, or what an interrupted repair has made of it. Gives what lets it go. */
function claim({ paths, home, ids }: QueueAccess): () => void {
  const phase = interruptedRepair(paths);
  if (phase === undefined) {
    // A queue may come without its locks: then nobody is at work on it yet.
    if (statIfThere(paths.lock('sendmutex')) === undefined) makeQueueTree(home, ids);
    return claimMutex(paths);
  }
  // Somebody made a new one: see renumber.ts.
  const other =
    statIfThere(paths.lock('sendmutex'))?.isFile() === true ? claimMutex(paths) : () => {};
  const path = repairMutex(paths, phase);
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    if (tryFlock(fd, 'exclusive')) {
      return () => {
        closeSync(fd);
        other();
      };
    }
    closeSync(fd);
  } catch (error) {
    throw soft(error, `unable to lock ${path}`);
  }
  throw new Temporary('another repair is at work');
}

function claimMutex(paths: QueuePaths): () => void {
  const holder = claimQueue(paths);
  if (holder.kind === 'us') return () => holder.release();
  const who = holder.pid === undefined ? '' : ` (process ${holder.pid})`;
  throw new Temporary(`qmail-send is running${who}: stop it first`);
}

/** Goes over the queue and applies these remedies. Gives all remedies that were called for. */
async function remedy(
  { access, progress, tell }: RepairTools,
  remedies: Readonly<Partial<Record<Remedy, (finding: Finding) => string>>>,
): Promise<ReadonlySet<Remedy>> {
  const called = new Set<Remedy>();
  for await (const finding of check(access, progress, true)) {
    if (finding.remedy === undefined) continue;
    called.add(finding.remedy);
    const apply = remedies[finding.remedy];
    if (apply === undefined) continue;
    try {
      tell(`${finding.path} ${finding.what}: ${apply(finding)}`);
    } catch (error) {
      const why = isFault(error) ? error.message : errnoText(error);
      tell(`${finding.path} ${finding.what}: not repaired: ${why}`);
    }
  }
  return called;
}

function own(hands: Hands, { path }: Finding): string {
  const directory = directoryOf(path);
  hands.own(directory, dirname(path), path.slice(path.lastIndexOf('/') + 1));
  return 'made right';
}

function move(hands: Hands, { path }: Finding): string {
  const directory = directoryOf(path);
  const id = path.slice(path.lastIndexOf('/') + 1);
  const to = `${placeOf(directory, id)}/${id}`;
  if (hands.rename(directory, path, to)) return `now ${to}`;
  return `${to} is taken: now ${hands.lose(directory, path)}`;
}

/** The mail gets where it should go; whoever sent it is not known any more, so the postmaster hears of failures. */
function replaceSender({ paths }: QueueAccess, hands: Hands, { path }: Finding): string {
  const id = path.slice(path.lastIndexOf('/') + 1);
  if (statIfThere(paths.info(id)) !== undefined) hands.lose('info', path);
  const birth = lstatSync(paths.mess(id)).mtime;
  hands.as('qmails', () => {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const fd = openSync(paths.info(id), flags, 0o600);
    try {
      writeSync(fd, encodeInfo(''));
      futimesSync(fd, birth, birth);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
  fsyncDirSync(dirname(paths.info(id)));
  return 'the empty sender is put in its place';
}

function directoryOf(path: string): MessageDirectory {
  const first = path.split('/')[0] ?? '';
  const found = MESSAGE_DIRECTORIES.find((name) => name === first);
  if (found === undefined) throw new Temporary('is not in a directory of messages');
  return found;
}
