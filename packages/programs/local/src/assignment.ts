// Who an address belongs to: users/cdb first, then the password file through qmail-getpw, which runs
// without rights. qmail-users(5), qmail-getpw(8).

import { join } from 'node:path';
import { bytesOf } from '@q/bytes';
import { argText, type Child, type Exit, pathOnly, spawn } from '@q/proc';
import {
  type Assignment,
  decodeAssignment,
  EXIT_SYSTEM_TROUBLE,
  EXIT_USERS_CDB,
  type UsersTable,
} from '@q/users';
import type { WorkerPool, WorkerRequest } from '@q/warm';
import { LOCAL_EXIT } from './exit-codes.ts';
import { GETPW_WORKER } from './getpw.ts';
import { GETPW_ANSWER_MAX } from './limits.ts';
import type { RecentAssignments } from './recent-assignments.ts';

/** Who may be asked, and as whom. */
export interface AssignmentSource {
  readonly home: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Whom qmail-getpw runs as: qmailp and nofiles. */
  readonly getpwUid: number;
  readonly getpwGid: number;
  readonly table: UsersTable;
  /** What qmail-getpw has said just now. */
  readonly recent: RecentAssignments;
  /** Where a warm qmail-getpw is, if one is. */
  readonly workers: WorkerPool;
}

/** No assignment, and the exit code that says why. */
export interface NoAssignment {
  readonly code: number;
}

/** Looks up the local part (latin1, valid UTF-8, any case). Never throws for trouble of the host. */
export async function findAssignment(
  local: string,
  source: AssignmentSource,
): Promise<Assignment | NoAssignment> {
  let assigned: Assignment | undefined;
  try {
    assigned = source.table.find(local);
  } catch {
    return { code: EXIT_USERS_CDB };
  }
  if (assigned !== undefined) return assigned;
  const known = source.recent.find(local);
  if (known !== undefined) return known;
  const found = await fromAccounts(local, source);
  if (!('code' in found)) source.recent.keep(local, found);
  return found;
}

async function fromAccounts(
  local: string,
  source: AssignmentSource,
): Promise<Assignment | NoAssignment> {
  // The second argument means nothing: it keeps a local part "--help" from being taken for an option.
  const args = [argText(local), ''];
  let asked: Asked;
  try {
    asked = (await askWorker(args, source)) ?? (await askProcess(args, source));
  } catch {
    return { code: LOCAL_EXIT.EXEC_GETPW };
  }
  const { exit, answer } = asked;
  if ('signal' in exit) return { code: EXIT_SYSTEM_TROUBLE };
  if (exit.code !== 0) return exit;
  try {
    return decodeAssignment(answer);
  } catch {
    return { code: LOCAL_EXIT.BUG };
  }
}

interface Asked {
  readonly exit: Exit;
  readonly answer: Buffer;
}

/** Undefined when there is no worker, or none any more: qmail-getpw changes nothing and can be asked again. */
async function askWorker(
  args: readonly string[],
  source: AssignmentSource,
): Promise<Asked | undefined> {
  const request = requestOf(GETPW_WORKER, source);
  const called = await source.workers.ask('getpw', request, { args }, undefined);
  if (called === undefined || called.needsFiles || 'signal' in called.exit) return undefined;
  return { exit: called.exit, answer: bytesOf(called.output) };
}

/** Throws a fault when it cannot be started. */
async function askProcess(args: readonly string[], source: AssignmentSource): Promise<Asked> {
  const child = await spawn({ ...requestOf(args, source), stdio: ['ignore', 'pipe', 'ignore'] });
  const [exit, answer] = await Promise.all([child.exited, readAnswer(child)]);
  return { exit, answer };
}

function requestOf(
  args: readonly string[],
  { home, env, getpwUid, getpwGid }: AssignmentSource,
): WorkerRequest {
  return {
    file: join(home, 'bin/qmail-getpw'),
    args,
    env: pathOnly(env),
    cwd: home,
    uid: getpwUid,
    gid: getpwGid,
  };
}

/** All of a short answer; of a long one, which is none of ours, the beginning. */
async function readAnswer(child: Child): Promise<Buffer> {
  const parts: Buffer[] = [];
  let total = 0;
  try {
    for await (const chunk of child.stdio[1] ?? []) {
      total += (chunk as Buffer).length;
      if (total <= GETPW_ANSWER_MAX) parts.push(chunk as Buffer);
    }
  } catch {
    // The exit code tells; what came is decoded or not.
  }
  return Buffer.concat(parts);
}
