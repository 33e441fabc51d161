// qmail-lspawn(8): root's part of local delivery. Takes commands from qmail-send, finds whose address it
// is, and has qmail-local run as that user. It reads no mail and opens no user's file.

import { join } from 'node:path';
import { splitAddress } from '@q/address';
import { openControl, qmailHome } from '@q/control';
import { Temporary } from '@q/fault';
import { argText, type Invocation } from '@q/proc';
import { QueuePaths } from '@q/queue-files';
import {
  type Delivery,
  inputOf,
  outputOf,
  type ProcessReport,
  type Ran,
  runOnMessage,
  runSpawner,
} from '@q/spawn';
import { type Assignment, qmailIds, UsersTable } from '@q/users';
import { type Called, WORKERS_TOTAL, WorkerPool } from '@q/warm';
import { type AssignmentSource, findAssignment } from './assignment.ts';
import { LOCAL_EXIT } from './exit-codes.ts';
import { REPORT_KEPT } from './limits.ts';
import { localReport } from './local-report.ts';
import { RecentAssignments } from './recent-assignments.ts';
import { runInWorker } from './warm.ts';

interface Deliverer extends AssignmentSource {
  readonly defaultDelivery: string;
  /** The one uid of a private instance; undefined where users are changed. */
  readonly onlyUid: number | undefined;
}

/** Serves qmail-send on fd 0 and fd 1 until fd 0 ends; args[0] is the default delivery. */
export async function lspawnMain({ args, env }: Invocation): Promise<number> {
  const home = qmailHome(env);
  const uid = process.geteuid?.() ?? 0;
  const ids = qmailIds(home, uid);
  if (uid !== 0 && !ids.single) throw new Temporary('only root can deliver for others');
  const deliverer: Deliverer = {
    home,
    env,
    defaultDelivery: args[0] ?? '',
    onlyUid: ids.single ? uid : undefined,
    table: new UsersTable(home),
    recent: new RecentAssignments(),
    getpwUid: ids.qmailp,
    getpwGid: ids.nofiles,
    workers: new WorkerPool({ total: openControl(home).int('localworkers', WORKERS_TOTAL) }),
  };
  await runSpawner({
    commands: inputOf(0),
    reports: outputOf(1),
    messDir: new QueuePaths(join(home, 'queue')).directory('mess'),
    messageOwner: ids.qmailq,
    deliver: (delivery) => deliverLocally(delivery, deliverer),
  });
  deliverer.workers.close();
  return 0;
}

/** Tries one delivery; resolves to its report. */
export async function deliverLocally(delivery: Delivery, deliverer: Deliverer): Promise<string> {
  const { local, domain = '' } = splitAddress(delivery.recipient);
  if (local === '') return 'K'; // the trash address
  const report = await deliverTo(local, domain, delivery, deliverer);
  if (!report.startsWith('K')) deliverer.recent.forget(local);
  return report;
}

async function deliverTo(
  local: string,
  domain: string,
  delivery: Delivery,
  deliverer: Deliverer,
): Promise<string> {
  if (![delivery.sender, delivery.recipient].every(isArgument))
    return 'DSorry, I can only deliver addresses in ASCII or UTF-8. (#5.6.7)\n';
  const assignment = await findAssignment(local, deliverer);
  if ('code' in assignment) return localReport(assignment);
  const refusal = refusalOf(assignment, deliverer.onlyUid);
  if (refusal !== undefined) return refusal;
  const { user, home, dash, ext } = assignment;
  const mail = [user, home, local, dash, ext, domain, delivery.sender].map(argText);
  const args = [...mail, deliverer.defaultDelivery];
  const ran = await runAs(assignment, args, delivery.messageFd, deliverer);
  if ('refusal' in ran) return ran.refusal;
  if ('unable' in ran) {
    return localReport({ code: ran.temporary ? LOCAL_EXIT.EXEC_SOFT : LOCAL_EXIT.EXEC_HARD });
  }
  return localReport(ran.exit, ran.output, ran.clipped);
}

/**
 * Runs qmail-local as the user: by a worker that has never been anybody else's and knows one home only,
 * or else in a process for this delivery.
 */
async function runAs(
  { user, uid, gid, home }: Assignment,
  args: readonly string[],
  messageFd: number,
  deliverer: Deliverer,
): Promise<ProcessReport> {
  const { workers } = deliverer;
  const request = {
    file: join(deliverer.home, 'bin/qmail-local'),
    env: deliverer.env,
    cwd: deliverer.home,
    uid,
    gid,
  };
  const key = [uid, gid, user, home].join('\0');
  const form = { ...request, args: WORKER };
  const called = await workers.ask(key, form, { args }, messageFd);
  if (called !== undefined && !called.needsFiles) return asRan(called);
  const worker = await workers.take(key, form);
  const warm = worker && (await runInWorker(worker, args, messageFd, REPORT_KEPT));
  return warm ?? runOnMessage({ ...request, args: ['--', ...args] }, messageFd, REPORT_KEPT);
}

const WORKER = ['--worker'];

function asRan({ exit, output }: Called): Ran {
  const clipped = output.length > REPORT_KEPT;
  return { exit, output: clipped ? output.slice(0, REPORT_KEPT) : output, clipped };
}

/** The report for an assignment that must not be followed. */
function refusalOf({ uid }: Assignment, onlyUid: number | undefined): string | undefined {
  if (uid === 0) return localReport({ code: LOCAL_EXIT.ROOT });
  if (onlyUid === undefined || uid === onlyUid) return undefined;
  return `ZThis instance runs as uid ${onlyUid} and cannot deliver as uid ${uid}. (#4.3.5)\n`;
}

function isArgument(text: string): boolean {
  if (ASCII.test(text)) return true;
  try {
    argText(text);
    return true;
  } catch {
    return false;
  }
}

const ASCII = /^[\x01-\x7f]*$/;
