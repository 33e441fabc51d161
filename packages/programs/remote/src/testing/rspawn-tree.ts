// The real qmail-rspawn in a tree of its own, with messages to deliver, for tests.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildExecutables, SpawnerProcess } from '@q/spawn/testing';
import { type MailServer, type Script, startMailServer } from './mail-server.ts';

const isRoot = process.getuid?.() === 0;
/** The uid of the instance: ours, or as root an ordinary one. */
const uid = isRoot ? 47_023 : (process.getuid?.() ?? 0);

export const IP = '127.0.0.1';
export const ACCEPTED = `K${IP} accepted message.\nRemote host said: 250 ok 123 qp 456\n`;

export class RspawnTree {
  readonly home: string = mkdtempSync(join(tmpdir(), 'rspawn-'));
  #rspawn: SpawnerProcess | undefined;
  readonly #servers: { close(): void }[] = [];

  /** With the messages 7/53, 7/54, 7/55, and 7/56, whose last line has no end. */
  static async make(): Promise<RspawnTree> {
    const tree = new RspawnTree();
    const { home } = tree;
    chmodSync(home, 0o755);
    await buildExecutables(home, ['qmail-rspawn', 'qmail-remote']);
    for (const dir of ['control', 'queue', 'queue/lock', 'queue/mess', 'queue/mess/7'])
      mkdirSync(join(home, dir));
    writeFileSync(join(home, 'queue/lock/tcpto'), Buffer.alloc(1024));
    for (const name of ['53', '54', '55'])
      writeFileSync(join(home, 'queue/mess/7', name), `Subject: ${name}\n\nbody\n`);
    writeFileSync(join(home, 'queue/mess/7/56'), 'Subject: 56\n\nhalf a line');
    if (isRoot) execFileSync('chown', ['-R', `${uid}:${uid}`, home]);
    return tree;
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  /** For beforeEach: no control files but me. */
  reset(): void {
    rmSync(join(this.home, 'control'), { recursive: true });
    mkdirSync(join(this.home, 'control'));
    this.control('me', 'client.example');
  }

  /** For afterEach. */
  stop(): void {
    this.#rspawn?.kill();
    for (const server of this.#servers.splice(0)) server.close();
  }

  control(name: string, content: string): void {
    writeFileSync(join(this.home, 'control', name), `${content}\n`);
  }

  /** Has it closed by `stop`. */
  keep<T extends { close(): void }>(server: T): T {
    this.#servers.push(server);
    return server;
  }

  start(env: NodeJS.ProcessEnv = {}): SpawnerProcess {
    const all = { PATH: process.env.PATH, QMAILHOME: this.home, ...env };
    const user = isRoot ? uid : undefined;
    this.#rspawn?.kill();
    this.#rspawn = new SpawnerProcess(join(this.home, 'bin/qmail-rspawn'), [], all, user);
    return this.#rspawn;
  }

  async mailServer(script: Script = {}): Promise<MailServer> {
    return this.keep(await startMailServer(script));
  }

  /** A server with that script, to which all mail goes, and qmail-rspawn. */
  async started(script: Script = {}): Promise<{ server: MailServer; rspawn: SpawnerProcess }> {
    const server = await this.mailServer(script);
    this.control('smtproutes', `:${IP}:${server.port}`);
    return { server, rspawn: this.start() };
  }
}
