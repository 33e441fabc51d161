// A tree with the programs of local delivery, one user in users/cdb who owns it, and one queued message:
// for tests of qmail-lspawn with its workers.

import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeCdb } from '@q/cdb';
import { SpawnerProcess } from '@q/spawn/testing';
import { compileAssign } from '@q/users';
import { MESSAGE, makeRecipient, removeRecipient } from './recipient.ts';

export const isRoot = process.getuid?.() === 0;

/** A name for a test, and control/localworkers. */
export const FORMS = [
  ['warm', undefined],
  ['one process each', 0],
] as const;

export class LspawnHost {
  readonly qmail: string;
  readonly home: string;
  /** Whom the tree belongs to: us, or as root an ordinary uid. */
  readonly uid = isRoot ? 47_022 : (process.getuid?.() ?? 0);
  readonly gid = isRoot ? 47_022 : (process.getgid?.() ?? 0);
  readonly env: NodeJS.ProcessEnv;
  #running: SpawnerProcess[] = [];

  private constructor(qmail: string, home: string) {
    this.qmail = qmail;
    this.home = home;
    this.env = { PATH: process.env.PATH, QMAILHOME: qmail };
  }

  static async make(...programs: string[]): Promise<LspawnHost> {
    const { qmail, home } = await makeRecipient(...programs);
    const host = new LspawnHost(qmail, home);
    for (const dir of ['queue/mess/7', 'users', 'control'])
      mkdirSync(join(qmail, dir), { recursive: true });
    writeFileSync(join(qmail, 'queue/mess/7/53'), MESSAGE);
    const { uid, gid } = host;
    await host.assign(`=joe:joe:${uid}:${gid}:${home}:::`, `+joe-:joe:${uid}:${gid}:${home}:-::`);
    execFileSync('chown', ['-R', `${uid}:${gid}`, qmail]);
    return host;
  }

  assign(...lines: string[]): Promise<void> {
    const table = compileAssign(Buffer.from(`${lines.join('\n')}\n.\n`));
    return writeCdb(join(this.qmail, 'users/cdb'), table, { mode: 0o644 });
  }

  /** A qmail-lspawn as the tree's owner; `workers` is control/localworkers. */
  start(workers?: number): SpawnerProcess {
    const control = join(this.qmail, 'control/localworkers');
    rmSync(control, { force: true });
    if (workers !== undefined) writeFileSync(control, `${workers}\n`);
    const file = join(this.qmail, 'bin/qmail-lspawn');
    const started = new SpawnerProcess(
      file,
      ['./Mailbox'],
      this.env,
      isRoot ? this.uid : undefined,
    );
    this.#running.push(started);
    return started;
  }

  /** One delivery to joe or joe-EXT in slot 0; its report. */
  async deliver(lspawn: SpawnerProcess, ext = ''): Promise<string> {
    lspawn.forget();
    lspawn.send(0, '7/53', 'ann@example.net', `joe${ext && `-${ext}`}@example.org`);
    return lspawn.report(0);
  }

  /** A file of joe's, in the home. */
  write(name: string, content: string): void {
    const file = join(this.home, name);
    writeFileSync(file, content);
    chownSync(file, this.uid, this.gid);
  }

  makeMaildir(): void {
    for (const dir of ['', 'tmp', 'new', 'cur']) {
      const path = join(this.home, 'Maildir', dir);
      mkdirSync(path, { recursive: true });
      chownSync(path, this.uid, this.gid);
    }
  }

  emptyHome(): void {
    rmSync(this.home, { recursive: true, force: true });
    mkdirSync(this.home, { mode: 0o755 });
    chownSync(this.home, this.uid, this.gid);
  }

  killAll(): void {
    for (const one of this.#running) one.kill();
    this.#running = [];
  }

  remove(): void {
    removeRecipient(this);
  }
}

/** The processes that a process has started and that are still there. */
export function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
  return list.trim().split(' ').filter(Boolean).map(Number);
}

/** kill -9 of one that may be gone already. */
export function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone.
  }
}

export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** The most memory it has had, in bytes. */
export function peakOf(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(line?.[1]) * 1024;
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}
