// One delivery as a process of its own: the message as fd 0, one pipe as fd 1 and fd 2, whose output is
// the report.

import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { errnoOf, isFault, Temporary } from '@q/fault';
import { pipe } from '@q/posix';
import { type Exit, type SpawnRequest, spawn } from '@q/proc';
import { REFUSAL } from './refusal.ts';

/** It ran: how it ended, and the first bytes it wrote, as latin1 text. */
export interface Ran {
  readonly exit: Exit;
  readonly output: string;
  readonly clipped: boolean;
}

export type ProcessReport =
  | Ran
  /** It could not be started for want of something that may come back; the report to give. */
  | { readonly refusal: string }
  /** Its file cannot be executed; `temporary` as the errno says. */
  | { readonly unable: true; readonly temporary: boolean };

/**
 * Runs a program on a message and waits for both its exit and the end of its output: a process that it
 * left behind may still be writing. At most `keep` bytes of output are kept; the rest is read and dropped.
 */
export async function runOnMessage(
  request: Omit<SpawnRequest, 'stdio'>,
  messageFd: number,
  keep: number,
): Promise<ProcessReport> {
  let ends: ReturnType<typeof pipe>;
  try {
    ends = pipe();
  } catch {
    return { refusal: REFUSAL.cannotPipe };
  }
  let child: Awaited<ReturnType<typeof spawn>>;
  try {
    child = await spawn({ ...request, stdio: [messageFd, ends.write, ends.write] });
  } catch (error) {
    closeSync(ends.read);
    return notStarted(error);
  } finally {
    closeSync(ends.write);
  }
  return processReport(child.exited, ends.read, keep);
}

/** Waits for the end of a delivery and of its output, on the pipe `fd`, which is closed then. */
export async function processReport(ended: Promise<Exit>, fd: number, keep: number): Promise<Ran> {
  const [exit, { text, clipped }] = await Promise.all([
    ended,
    readStart(new Socket({ fd, readable: true, writable: false }), keep),
  ]);
  return { exit, output: text, clipped };
}

/** Errnos of fork(2) rather than of execve(2). */
const FORK_TROUBLE: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

function notStarted(error: unknown): ProcessReport {
  const errno = errnoOf(isFault(error) ? error.cause : error);
  if (errno !== undefined && FORK_TROUBLE.has(errno)) return { refusal: REFUSAL.cannotFork };
  return { unable: true, temporary: !isFault(error) || error instanceof Temporary };
}

async function readStart(
  stream: Socket,
  keep: number,
): Promise<{ readonly text: string; readonly clipped: boolean }> {
  const parts: string[] = [];
  let room = keep;
  let clipped = false;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (chunk.length > room) clipped = true;
      const kept = chunk.toString('latin1', 0, Math.min(chunk.length, room));
      room -= kept.length;
      if (kept !== '') parts.push(kept);
    }
  } catch {
    // What was read before the trouble is the report.
  }
  return { text: parts.join(''), clipped };
}
