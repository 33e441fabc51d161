// The real qmail-remote in a tree of its own, for the tests of what it prints.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildExecutables } from '@q/spawn/testing';
import { type MailServer, type Script, startMailServer } from './mail-server.ts';

export interface Attempt {
  readonly host?: string;
  readonly sender?: string;
  readonly recipients?: readonly string[];
  readonly message?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
  readonly throughPipe?: boolean;
}

export const MESSAGE = 'Subject: hello\n\n.dot\n..\nlast\n';

export class RemoteTree {
  readonly home: string = mkdtempSync(join(tmpdir(), 'remote-'));
  readonly #open: { close(): void }[] = [];

  static async make(): Promise<RemoteTree> {
    const tree = new RemoteTree();
    chmodSync(tree.home, 0o755);
    await buildExecutables(tree.home, ['qmail-remote']);
    for (const dir of ['control', 'queue', 'queue/lock']) mkdirSync(join(tree.home, dir));
    tree.control('me', 'client.example');
    tree.table(Buffer.alloc(1024));
    return tree;
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Writes a control file, or removes it. */
  control(name: string, content: string | undefined): void {
    const file = join(this.home, 'control', name);
    if (content === undefined) rmSync(file, { force: true });
    else writeFileSync(file, `${content}\n`);
  }

  /** Writes queue/lock/tcpto. */
  table(content: Buffer): void {
    writeFileSync(join(this.home, 'queue/lock/tcpto'), content);
  }

  /** Has it closed by `closeServers`. */
  keep<T extends { close(): void }>(server: T): T {
    this.#open.push(server);
    return server;
  }

  /** For afterEach. */
  closeServers(): void {
    for (const server of this.#open.splice(0)) server.close();
  }

  async mailServer(script: Script = {}, host?: string, port?: number): Promise<MailServer> {
    return this.keep(await startMailServer(script, host, port));
  }

  /** Sends to a server with that script, found by a route. */
  async sendTo(
    script: Script,
    attempt: Attempt = {},
  ): Promise<{ reports: string[]; server: MailServer }> {
    const server = await this.mailServer(script);
    this.control('smtproutes', `x.example:127.0.0.1:${server.port}`);
    return { reports: await this.send(attempt), server };
  }

  /** What it prints, its reports apart. Throws unless it exits 0 and each report was ended by NUL. */
  async send(attempt: Attempt = {}): Promise<string[]> {
    const file = join(this.home, 'message');
    const message = attempt.message ?? MESSAGE;
    writeFileSync(file, message, 'latin1');
    const fd = openSync(file, 'r');
    const args = attempt.args ?? [
      attempt.host ?? 'x.example',
      attempt.sender ?? 'ann@client.example',
      ...(attempt.recipients ?? ['bob@x.example']),
    ];
    const child = spawn(join(this.home, 'bin/qmail-remote'), args, {
      env: { PATH: process.env.PATH, QMAILHOME: this.home, ...attempt.env },
      stdio: [attempt.throughPipe ? 'pipe' : fd, 'pipe', 'inherit'],
    });
    closeSync(fd);
    child.stdin?.on('error', () => {});
    child.stdin?.end(Buffer.from(message, 'latin1'));
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString('latin1');
    });
    const [code] = await once(child, 'close');
    if (code !== 0 || !out.endsWith('\0')) throw new Error(`exit ${code}, output ${out}`);
    return out.slice(0, -1).split('\0');
  }
}
