// Moves users' directories to where the settings user-dir-bits and user-dir-slices would put them now.
//
// The steps are those of move-mailbox.ts, with one change of the table for as many moves as do not get in each
// other's way; a user may be called like a hash level ("users/2f" and "users/2f/c"), so several rounds may be needed.

import { lstatSync } from 'node:fs';
import { posix } from 'node:path';
import { bytesOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import type { Draft } from '@q/vmailmgr';
import type { Domain } from './domain.ts';
import { linkMailbox, linkTarget, type Move, settleMailbox, syncMoves } from './move-mailbox.ts';
import { isBelow } from './remove-mailbox.ts';

/** What became of a directory that is not where it belongs. */
export interface Rehashed {
  readonly name: string;
  /** Undefined when it is there now; else why not. */
  readonly refused: string | undefined;
}

type RehashProgress = (step: 'prepared' | 'moved', directories: number) => void;

interface UserMove extends Move {
  readonly name: string;
}

/**
 * Moves what can be moved. `progress` hears how many have been prepared, and then moved. The result leaves out who is
 * in the right place.
 */
export async function rehashDirectories(
  domain: Domain,
  progress: RehashProgress,
): Promise<readonly Rehashed[]> {
  const userDir = domain.settings.directory('user-dir');
  const done = new Map<string, string | undefined>();
  for (;;) {
    const moves = await domain.update((draft) => startRound(domain, draft, done, progress));
    if (moves.length === 0) break;
    await domain.update((draft) => {
      for (const move of moves) {
        done.set(move.name, settled(draft, move));
        progress('moved', done.size);
      }
    });
    await syncMoves(moves, userDir);
  }
  return [...done].map(([name, refused]) => ({ name, refused }));
}

/** Steps 1 and 2 of all moves that are free to go. */
async function startRound(
  domain: Domain,
  draft: Draft,
  done: Map<string, string | undefined>,
  progress: RehashProgress,
): Promise<readonly UserMove[]> {
  const userDir = domain.settings.directory('user-dir');
  const occupied = directoriesOf(draft);
  const moves: UserMove[] = [];
  const blocked: string[] = [];
  for (const [name, from] of occupied.byUser) {
    if (done.has(name)) continue;
    const to = domain.directoryOf(name);
    const left = unfinished(from, to, occupied);
    if (left !== undefined) moves.push({ name, from: left, to });
    if (posix.normalize(from) === posix.normalize(to)) continue;
    const obstacle = obstacleTo(from, userDir, occupied);
    if (obstacle !== undefined) done.set(name, obstacle);
    else if (occupied.isFree(to)) moves.push({ name, from, to });
    else blocked.push(name);
  }
  const started = moves.filter((move, i) => {
    progress('prepared', i + 1);
    return start(draft, move, done);
  });
  await syncMoves(started, userDir);
  if (started.length === 0)
    for (const name of blocked) done.set(name, 'the directory of another user is in the way');
  return started;
}

function start(draft: Draft, move: UserMove, done: Map<string, string | undefined>): boolean {
  try {
    linkMailbox(move);
    const user = draft.get(move.name);
    if (user !== undefined && user.directory !== move.to)
      draft.set(move.name, { ...user, directory: move.to });
    return true;
  } catch (error) {
    done.set(move.name, faultOf(error, 'internal error').message);
    return false;
  }
}

function settled(draft: Draft, move: UserMove): string | undefined {
  try {
    if (draft.get(move.name)?.directory !== move.to) return 'it was changed meanwhile';
    return settleMailbox(move) ? undefined : 'it is reached by a symbolic link';
  } catch (error) {
    return faultOf(error, 'internal error').message;
  }
}

/** Where an interrupted run left the directory of a record that already has its new place. */
function unfinished(from: string, to: string, occupied: Occupied): string | undefined {
  if (posix.normalize(from) !== posix.normalize(to)) return undefined;
  const target = linkTarget(to);
  return target !== undefined && occupied.isFree(target) ? target : undefined;
}

function obstacleTo(from: string, userDir: string, occupied: Occupied): string | undefined {
  if (!isBelow(from, userDir)) return `'${from}' is not below '${userDir}'`;
  if (!lstatSync(bytesOf(from), { throwIfNoEntry: false })?.isDirectory())
    return `there is no directory '${from}'`;
  return occupied.isShared(from) ? `'${from}' is also that of another user` : undefined;
}

interface Occupied {
  readonly byUser: ReadonlyMap<string, string>;
  /** True when no user's directory is that one, above it or in it. */
  isFree(directory: string): boolean;
  isShared(directory: string): boolean;
}

function directoriesOf(draft: Draft): Occupied {
  const byUser = new Map<string, string>();
  const users = new Map<string, number>();
  const above = new Set<string>();
  for (const name of draft.names()) {
    const directory = directoryOf(draft, name);
    if (directory === '') continue;
    const path = posix.normalize(directory).replace(/\/+$/, '');
    byUser.set(name, path);
    users.set(path, (users.get(path) ?? 0) + 1);
    for (const level of levelsAbove(path)) above.add(level);
  }
  return {
    byUser,
    isFree: (directory) => {
      const path = posix.normalize(directory);
      return !users.has(path) && !above.has(path) && !levelsAbove(path).some((l) => users.has(l));
    },
    isShared: (path) =>
      (users.get(path) ?? 0) > 1 || above.has(path) || levelsAbove(path).some((l) => users.has(l)),
  };
}

/** "users/2f/c" has "users/2f" and "users" above it. */
function levelsAbove(path: string): string[] {
  const levels: string[] = [];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    levels.push(path.slice(0, at));
  return levels;
}

function directoryOf(draft: Draft, name: string): string {
  try {
    return draft.get(name)?.directory ?? '';
  } catch {
    return ''; // an unreadable record is left alone
  }
}
