// Goes over a whole queue and gives what it finds. Programs may be at work on it: whatever looks wrong is looked
// at a second time, a moment later, and counts only if it still does.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMessageId, queueTree } from '@q/queue-files';
import type { QueueAccess } from '../access.ts';
import { statIfThere } from '../message.ts';
import type { Progress } from '../progress.ts';
import { REPAIR_PHASES, repairMutex } from '../send-process.ts';
import { factsOf } from './facts.ts';
import {
  isPlaced,
  MESSAGE_DIRECTORIES,
  type MessageDirectory,
  namesOf,
  parseStaged,
  pathOf,
  placeOf,
  type QueueName,
} from './files.ts';
import { type Finding, judge } from './judge.ts';

/** Messages that look wrong held for one second look. */
const SUSPECTS = 500;

/** Longer than any program needs between two steps that belong together. */
const SECOND_LOOK_MS = 1000;

/** `quiet`: no program is at work, so one look is enough. */
export async function* check(
  access: QueueAccess,
  progress: Progress,
  quiet: boolean,
): AsyncGenerator<Finding, void, void> {
  yield* treeFindings(access);
  const { paths, ids } = access;
  const look = (id: string) => judge(factsOf(paths, id), ids, Date.now() / 1000);
  let suspects = new Map<string, Finding[]>();
  for (const name of allNames(access)) {
    progress.step();
    if (!isPlaced(name)) {
      yield* oddName(access, name);
      continue;
    }
    if (!isFirstOf(access, name)) continue;
    const findings = look(name.name);
    if (findings.length === 0) continue;
    if (quiet) yield* findings;
    else suspects.set(name.name, findings);
    if (suspects.size < SUSPECTS) continue;
    yield* confirmed(suspects, look);
    suspects = new Map();
  }
  if (suspects.size > 0) yield* confirmed(suspects, look);
}

async function* confirmed(
  suspects: ReadonlyMap<string, Finding[]>,
  look: (id: string) => Finding[],
): AsyncGenerator<Finding, void, void> {
  await sleep(SECOND_LOOK_MS);
  for (const [id, before] of suspects) {
    for (const finding of look(id))
      if (before.some(({ path, what }) => path === finding.path && what === finding.what))
        yield finding;
  }
}

function* allNames({ paths }: QueueAccess): Generator<QueueName> {
  for (const directory of MESSAGE_DIRECTORIES) {
    if (statIfThere(join(paths.root, directory)) !== undefined) yield* namesOf(paths, directory);
  }
}

/** So that each message is judged once: where it is met first. */
function isFirstOf({ paths }: QueueAccess, { directory, name }: QueueName): boolean {
  for (const earlier of MESSAGE_DIRECTORIES) {
    if (earlier === directory) return true;
    if (statIfThere(pathOf(paths, earlier as MessageDirectory, name)) !== undefined) return false;
  }
  return true;
}

function* oddName(
  { paths }: QueueAccess,
  { directory, place, name }: QueueName,
): Generator<Finding> {
  const path = `${place}/${name}`;
  if (!isMessageId(name) && parseStaged(name) === undefined)
    yield { path, what: 'is not a message number' };
  else if (statIfThere(join(paths.root, path)) === undefined)
    return; // gone on meanwhile
  else if (parseStaged(name) !== undefined)
    yield {
      path,
      what: 'is on its way to a new number: a repair was interrupted',
      remedy: 'renumber',
    };
  else yield { path, what: `belongs into ${placeOf(directory, name)}`, remedy: 'move' };
}

/** Directories, locks and trigger: kind, owner, group, mode. */
function* treeFindings({ home, paths, ids }: QueueAccess): Generator<Finding> {
  const phase = REPAIR_PHASES.find((name) => statIfThere(repairMutex(paths, name)) !== undefined);
  if (phase !== undefined)
    yield {
      path: `lock/sendmutex.${phase}`,
      what: 'shows that a repair was interrupted',
      remedy: 'renumber',
    };
  for (const entry of queueTree()) {
    if (!entry.path.startsWith('queue')) continue;
    const path = entry.path.slice('queue/'.length) || '.';
    if (path === 'lock/sendmutex' && phase !== undefined) continue;
    const stats = statIfThere(join(home, entry.path));
    if (stats === undefined) {
      yield { path, what: 'is missing', remedy: 'tree' };
      continue;
    }
    const right = { directory: stats.isDirectory(), file: stats.isFile(), fifo: stats.isFIFO() };
    if (!right[entry.kind]) {
      yield { path, what: `is not a ${entry.kind}` };
      continue;
    }
    const mode = stats.mode & 0o7777;
    if (stats.uid !== ids[entry.owner] || (!ids.single && stats.gid !== ids.qmail))
      yield {
        path,
        what: `belongs to ${stats.uid}:${stats.gid}, not ${ids[entry.owner]}:${ids.qmail}`,
        remedy: 'tree',
      };
    if (mode !== entry.mode)
      yield {
        path,
        what: `has mode ${mode.toString(8).padStart(4, '0')}, not ${entry.mode.toString(8).padStart(4, '0')}`,
        remedy: 'tree',
      };
    if (stats.size < (entry.size ?? 0)) yield { path, what: 'is too short', remedy: 'tree' };
  }
}
