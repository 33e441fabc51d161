// Gives messages their inode numbers back, after a queue was copied to another disk. A message's new number may be
// the old number of another, so nothing can be renamed straight to its place. In two phases, each of which may
// be interrupted at any point and be begun again:
//
//   staging   every file of a message with a wrong number becomes NEW.was.OLD; its mess file goes last, so that
//             as long as anything else is left under the old number no new message can be queued under it
//   placing   every NEW.was.OLD becomes NEW; mess goes last again
//
// Which phase it is, is written in the name of the mutex: lock/sendmutex is lock/sendmutex.staging, then
// lock/sendmutex.placing, and comes back at the end. A directory in its place sees to it that meanwhile no
// qmail-send starts, and nobody makes a new one: half of a message must never be taken for all of it.
// qmail-queue may go on: its new messages have right numbers, and what is being renamed is no number.

import { lstatSync, mkdirSync, renameSync, rmdirSync, unlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fsyncDirSync } from '@q/fsx';
import { isMessageId, SPLIT } from '@q/queue-files';
import type { QueueAccess } from '../access.ts';
import { statIfThere } from '../message.ts';
import type { Progress } from '../progress.ts';
import { interruptedRepair, type RepairPhase, repairMutex } from '../send-process.ts';
import { namesIn } from '../walk.ts';
import {
  type MessageDirectory,
  namesOf,
  parseStaged,
  pathOf,
  placeOf,
  stagedName,
} from './files.ts';
import type { Hands } from './hands.ts';

/** info before the rest: without it qmail-send takes nothing for a message. mess last. */
const ORDER: readonly MessageDirectory[] = [
  'info',
  'todo',
  'intd',
  'local',
  'remote',
  'bounce',
  'mess',
];

/** Renames what must be renamed and gives the number of messages. The mutex is ours, or the interrupted repair's is. */
export function renumber(
  access: QueueAccess,
  hands: Hands,
  progress: Progress,
  tell: (line: string) => void,
): number {
  let phase: RepairPhase = interruptedRepair(access.paths) ?? 'staging';
  enter(access, hands, phase);
  if (phase === 'staging') {
    stageAll(access, hands, progress);
    hands.syncDirectories();
    phase = 'placing';
    enter(access, hands, phase);
  }
  const count = placeAll(access, hands, progress, tell);
  hands.syncDirectories();
  leave(access, hands);
  return count;
}

// --- phases ---

function enter({ paths }: QueueAccess, hands: Hands, phase: RepairPhase): void {
  const mutex = paths.lock('sendmutex');
  const marker = repairMutex(paths, phase);
  // lock belongs to qmailq.
  hands.as('qmailq', () => {
    if (statIfThere(marker) === undefined)
      renameSync(phase === 'placing' ? repairMutex(paths, 'staging') : mutex, marker);
    // A file: made between the two steps of an earlier repair, and locked by us since.
    if (statIfThere(mutex)?.isFile() === true) unlinkSync(mutex);
    if (statIfThere(mutex) === undefined) mkdirSync(mutex, { mode: 0o700 });
  });
  fsyncDirSync(paths.directory('lock'));
}

function leave({ paths }: QueueAccess, hands: Hands): void {
  const mutex = paths.lock('sendmutex');
  hands.as('qmailq', () => {
    if (statIfThere(mutex)?.isDirectory() === true) rmdirSync(mutex);
    renameSync(repairMutex(paths, 'placing'), mutex);
  });
  fsyncDirSync(paths.directory('lock'));
}

// --- staging ---

function stageAll(access: QueueAccess, hands: Hands, progress: Progress): void {
  for (const { name, place } of namesOf(access.paths, 'mess')) {
    progress.step();
    if (!isMessageId(name) || place !== placeOf('mess', name)) continue;
    const inode = lstatSync(pathOf(access.paths, 'mess', name), { bigint: true }).ino.toString();
    if (inode !== name) stage(access, hands, name, inode);
  }
}

function stage({ paths }: QueueAccess, hands: Hands, old: string, id: string): void {
  // Not read for 36 hours, and with info staged, it would be garbage to a qmail-send that should start after all.
  hands.as('qmailq', () => {
    const mess = pathOf(paths, 'mess', old);
    utimesSync(mess, new Date(), lstatSync(mess).mtime);
  });
  for (const directory of ORDER) {
    if (statIfThere(pathOf(paths, directory, old)) === undefined) continue;
    const to = `${placeOf(directory, id)}/${stagedName(id, old)}`;
    const from = `${placeOf(directory, old)}/${old}`;
    // Cannot be there but for a file that a repair before this one left; it is of the same message.
    if (!hands.rename(directory, from, to)) hands.lose(directory, from);
  }
}

// --- placing ---

function placeAll(
  access: QueueAccess,
  hands: Hands,
  progress: Progress,
  tell: (line: string) => void,
): number {
  let messages = 0;
  for (const directory of ORDER) {
    for (const place of placesOf(directory)) {
      // Renaming inside a directory that is being read may show a name twice or not at all: names first.
      const staged = stagedIn(access, place);
      for (const name of staged) {
        progress.step();
        const { id, old } = parseStaged(name) as { id: string; old: string };
        const to = `${place}/${id}`;
        if (statIfThere(join(access.paths.root, to)) !== undefined) {
          const lost = hands.lose(directory, to);
          tell(`${to} belonged to no message: now ${lost}`);
        }
        hands.rename(directory, `${place}/${name}`, to);
        if (directory !== 'mess') continue;
        messages++;
        tell(`message ${old} is now message ${id}`);
      }
    }
  }
  return messages;
}

function stagedIn({ paths }: QueueAccess, place: string): string[] {
  return [...namesIn(join(paths.root, place))].filter((name) => parseStaged(name) !== undefined);
}

function placesOf(directory: MessageDirectory): string[] {
  if (placeOf(directory, '0') === directory) return [directory];
  return Array.from({ length: SPLIT }, (_, i) => placeOf(directory, String(i)));
}
