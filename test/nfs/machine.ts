// The virtual machine as guest-init.sh has made it: two clients of an NFS server, and our programs on each of them.

import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeCdb } from '@q/cdb';
import { compileAssign } from '@q/users';
import { type Response, WireClient } from '../lib/imap/wire.ts';

const DIST = '/qmail-ts/dist';
const DOMAIN = 'virtual.test';
const UID = 1000;
export const PASSWORD = 'anns secret';
export const ADDRESS = `ann@${DOMAIN}`;
/** On a client, and where the server keeps it. */
export const MAILDIR = '/mail/joe/users/ann';
export const EXPORTED = '/srv/export/joe/users/ann';
const IMAP = 1143;
const POP3 = 1110;

export type ClientName = 'a' | 'b';
export const CLIENTS: readonly ClientName[] = ['a', 'b'];

const ADDRESSES: Readonly<Record<ClientName, string>> = { a: '10.0.1.2', b: '10.0.2.2' };

export interface Connection {
  readonly client: WireClient;
  end(): void;
}

/** One NFS client with a mail host on it. */
export class Machine {
  readonly name: ClientName;
  readonly #home: string;
  readonly #namespaces: string;
  readonly #services: ChildProcess[] = [];
  #log = '';

  constructor(name: ClientName) {
    this.name = name;
    this.#home = `/tmp/home-${name}`;
    this.#namespaces = readFileSync(`/tmp/${name}.pid`, 'latin1').trim();
  }

  async setUp(): Promise<void> {
    for (const dir of ['', '/queue', '/control', '/users'])
      mkdirSync(`${this.#home}${dir}`, { recursive: true });
    writeFileSync(`${this.#home}/control/me`, `${this.name}.test\n`);
    writeFileSync(`${this.#home}/control/virtualdomains`, `${DOMAIN}:joe\n`);
    const assign = compileAssign(`+joe-:joe:${UID}:${UID}:/mail/joe:-::\n.\n`);
    await writeCdb(`${this.#home}/users/cdb`, assign, { mode: 0o644 });
    for (const dir of ['', '/queue', '/control', '/users'])
      chownSync(`${this.#home}${dir}`, UID, UID);
  }

  /** Runs a program to its end, with a file of `input` on descriptor 0. Throws if it fails. */
  async tool(name: string, args: readonly string[], input: string, env = {}): Promise<void> {
    const file = `/tmp/input-${this.name}`;
    writeFileSync(file, input);
    const child = this.#spawn(
      ['bash', '-c', 'exec "$@" <$0', file, `${DIST}/${name}`, ...args],
      env,
    );
    let said = '';
    for (const output of [child.stdout, child.stderr])
      output.on('data', (chunk: Buffer) => {
        said += chunk.toString('latin1');
      });
    child.stdin.end();
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`${name} on ${this.name}: exit code ${code}: ${said}`);
  }

  /** This driver again, as a program of the client's. */
  itself(...args: readonly string[]): ChildProcessWithoutNullStreams {
    return this.#spawn([process.execPath, process.argv[1] as string, ...args]);
  }

  /** imapd and qmail-pop3d, resident. */
  async serve(env: Readonly<Record<string, string>>): Promise<void> {
    for (const [program, port] of [
      ['imapd', IMAP],
      ['qmail-pop3d', POP3],
    ] as const) {
      const listen = ['--listen', `0.0.0.0:${port}`, '--max', '100', '--max-per-ip', '100'];
      this.#services.push(this.#spawn([`${DIST}/${program}`, ...listen], env));
      await this.#listening(port);
    }
  }

  async #listening(port: number): Promise<void> {
    for (let tries = 0; tries < 240 && this.ended().length === 0; tries++) {
      const socket = connect(port, ADDRESSES[this.name]);
      const open = await new Promise((resolve) => {
        socket.once('data', () => resolve(true));
        socket.once('error', () => resolve(false));
        socket.once('close', () => resolve(false));
      });
      socket.destroy();
      if (open) return;
      await sleep(500);
    }
    throw new Error(`nothing listens on ${this.name}, port ${port}: ${this.#log}`);
  }

  /** A session of the resident service, logged in. */
  async open(heard: (response: Response) => void): Promise<Connection> {
    const socket = connect(IMAP, ADDRESSES[this.name]);
    const client = new WireClient(socket, socket, heard);
    await client.greeting();
    const { status, text } = await client.run(`LOGIN ${ADDRESS} "${PASSWORD}"`);
    if (status !== 'OK') throw new Error(`LOGIN on ${this.name}: ${text}`);
    return { client, end: () => socket.destroy() };
  }

  /** An imapd of one session. */
  async pipe(heard: (response: Response) => void): Promise<Connection> {
    const child = this.#spawn([`${DIST}/imapd`, MAILDIR]);
    const client = new WireClient(child.stdout, child.stdin, heard);
    await client.greeting();
    return { client, end: () => child.kill() };
  }

  pop3() {
    return connect(POP3, ADDRESSES[this.name]);
  }

  /** Everything the programs have said on their standard errors. */
  log(): string {
    return this.#log;
  }

  /** Exit codes of services that have ended. */
  ended(): string[] {
    return this.#services.flatMap(({ exitCode, signalCode }) =>
      exitCode === null && signalCode === null ? [] : String(exitCode ?? signalCode),
    );
  }

  stop(): void {
    for (const service of this.#services) service.kill();
  }

  #spawn(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const inside = ['-t', this.#namespaces, '--mount', '--uts', '--net', '--'];
    const asUser = ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups'];
    const atHome = ['bash', '-c', 'cd /mail/joe && exec "$@"', 'bash'];
    const child = spawn('nsenter', [...inside, ...asUser, ...atHome, ...command], {
      cwd: '/',
      env: { PATH: '/usr/bin', QMAILHOME: this.#home, HOME: '/mail/joe', USER: 'joe', ...env },
    });
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString('latin1');
    });
    return child;
  }
}
