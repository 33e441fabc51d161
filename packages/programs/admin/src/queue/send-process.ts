// Who works on the queue: the process that holds lock/sendmutex. Either that is qmail-send, ours or the C one,
// and only what is safe beside it may be done; or we take the mutex ourselves, and no qmail-send can start
// until we are done.

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { Temporary } from '@q/fault';
import { tryFlock } from '@q/fsx';
import type { QueuePaths } from '@q/queue-files';
import { soft } from '../trouble.ts';
import { statIfThere } from './message.ts';

export type QueueHolder =
  | { readonly kind: 'us'; release(): void }
  /** `pid` is undefined when the kernel does not tell us, as inside some containers. */
  | { readonly kind: 'qmail-send'; readonly pid: number | undefined };

/** Takes the mutex if it is free. Throws Temporary when a tool is at work, or one was interrupted. */
export function claimQueue(paths: QueuePaths): QueueHolder {
  const path = paths.lock('sendmutex');
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (interruptedRepair(paths) !== undefined)
      throw new Temporary('a repair was interrupted: run qmail-qfsck --repair');
    throw soft(error, `unable to open ${path}`);
  }
  if (tryFlock(fd, 'exclusive')) return { kind: 'us', release: () => closeSync(fd) };
  closeSync(fd);
  const pid = holderOf(path);
  if (pid !== undefined && !catchesAlarm(pid))
    throw new Temporary(`process ${pid} is at work on the queue, or just starting: try again`);
  return { kind: 'qmail-send', pid };
}

/** The phases of a renumbering, in which the mutex goes by another name: see fsck/renumber.ts. */
export const REPAIR_PHASES = ['staging', 'placing'] as const;
export type RepairPhase = (typeof REPAIR_PHASES)[number];

/** The phase in which a renumbering stopped; undefined when none did. */
export function interruptedRepair(paths: QueuePaths): RepairPhase | undefined {
  return REPAIR_PHASES.find((phase) => statIfThere(repairMutex(paths, phase)) !== undefined);
}

/** What lock/sendmutex is called in that phase: no qmail-send finds it, so none starts. */
export function repairMutex(paths: QueuePaths, phase: RepairPhase): string {
  return `${paths.lock('sendmutex')}.${phase}`;
}

/** SIGALRM: everything is tried at once. Throws Temporary when it cannot be sent. */
export function hurry(pid: number | undefined): void {
  if (pid === undefined) throw new Temporary('unable to tell which process is qmail-send');
  // A process that does not catch the signal would die of it.
  if (!catchesAlarm(pid)) throw new Temporary('qmail-send is just starting or ending: try again');
  try {
    process.kill(pid, 'SIGALRM');
  } catch (error) {
    throw soft(error, `unable to signal process ${pid}`);
  }
}

/** The process whose flock is on the file, by its inode number: proc_locks(5). */
function holderOf(path: string): number | undefined {
  const inode = statIfThere(path)?.ino;
  try {
    for (const line of readFileSync('/proc/locks', 'latin1').split('\n')) {
      const [, kind, , , pid, file] = line.split(/\s+/);
      if (kind === 'FLOCK' && file?.split(':')[2] === String(inode) && Number(pid) > 0)
        return Number(pid);
    }
  } catch {
    // No /proc: nobody can be named.
  }
  return undefined;
}

const SIGALRM_BIT = 1n << 13n;

function catchesAlarm(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
    return caught !== undefined && (BigInt(`0x${caught}`) & SIGALRM_BIT) !== 0n;
  } catch {
    return false;
  }
}
