// Debian's Dovecot, unpacked and not installed: its IMAP server runs in a mount namespace where it is installed
// (sandbox.sh), with configuration and sockets in a test's own directory, for the accounts of a passwd-file.
//
// Needs root and test/lib/unpack-dovecot.sh, which .ci/run calls.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyPair } from '@q/tls';
import { steadyPort } from './instance.ts';
import { killQuietly, until } from './processes.ts';
import { isRoot } from './run.ts';

const PLACE = process.env.QMAILTS_DOVECOT ?? '/var/tmp/qmail-ts-dovecot';
const unpacked = existsSync(join(PLACE, 'usr/lib/dovecot/imap'));
if (!unpacked && process.env.QMAILTS_COMPLETE !== undefined)
  throw new Error(`Dovecot is not unpacked in ${PLACE}`);

export const hasDovecot = isRoot && unpacked;

const SANDBOX = join(import.meta.dirname, 'sandbox.sh');

export interface DovecotUser {
  readonly name: string;
  readonly password: string;
  readonly uid: number;
  readonly home: string;
  /** Absolute. */
  readonly maildir: string;
}

export class Dovecot {
  readonly port: number;
  readonly tlsPort: number;
  readonly #top: string;
  #master: ChildProcess | undefined;
  #log = '';

  /** Below `top` are etc/ and run/ as Dovecot sees them. */
  private constructor(top: string, ports: readonly [number, number]) {
    this.#top = top;
    [this.port, this.tlsPort] = ports;
  }

  /** Resolves when it greets on both of its ports. */
  static async start(
    top: string,
    users: readonly DovecotUser[],
    keys: KeyPair,
    settings = '',
  ): Promise<Dovecot> {
    const dovecot = new Dovecot(top, [await steadyPort(), await steadyPort()]);
    chmodSync(top, 0o755);
    for (const dir of ['etc', 'run', 'run/dovecot']) mkdirSync(join(top, dir));
    const at = (name: string) => join(top, name);
    writeFileSync(at('cert.pem'), keys.cert);
    writeFileSync(at('key.pem'), keys.key, { mode: 0o600 });
    writeFileSync(at('users'), users.map(passwdLine).join(''));
    writeFileSync(at('dovecot.conf'), dovecot.#configuration() + settings);
    await dovecot.#start();
    return dovecot;
  }

  get log(): string {
    return this.#log;
  }

  async stop(): Promise<void> {
    const master = this.#master;
    if (master === undefined || master.exitCode !== null || master.signalCode !== null) return;
    const over = new Promise((resolve) => master.once('close', resolve));
    killQuietly(master.pid as number, 'SIGTERM');
    await over;
  }

  async #start(): Promise<void> {
    const places = [PLACE, join(this.#top, 'etc'), join(this.#top, 'run')];
    const command = ['/usr/sbin/dovecot', '-F', '-c', join(this.#top, 'dovecot.conf')];
    const master = spawn(
      'unshare',
      ['--mount', '--propagation', 'private', SANDBOX, ...places, ...command],
      {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        stdio: ['ignore', 'ignore', 'pipe'],
        cwd: '/',
      },
    );
    this.#master = master;
    master.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString('latin1');
    });
    await until('Dovecot listens', () => {
      if (master.exitCode !== null) throw new Error(`Dovecot ended: ${this.#log}`);
      return existsSync(join(this.#top, 'run/dovecot/master.pid'));
    });
  }

  #configuration(): string {
    // Dovecot wants two users without rights that differ; those it brings are of its installation.
    return `protocols = imap
base_dir = /run/dovecot
log_path = /dev/stderr
listen = 127.0.0.1
default_internal_user = daemon
default_internal_group = daemon
default_login_user = nobody
ssl = yes
ssl_cert = <${this.#top}/cert.pem
ssl_key = <${this.#top}/key.pem
disable_plaintext_auth = no
passdb {
  driver = passwd-file
  args = ${this.#top}/users
}
userdb {
  driver = passwd-file
  args = ${this.#top}/users
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${this.port}
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = ${this.tlsPort}
    ssl = yes
  }
}
`;
  }
}

function passwdLine({ name, password, uid, home, maildir }: DovecotUser): string {
  return `${name}:{PLAIN}${password}:${uid}:${uid}::${home}::userdb_mail=maildir:${maildir}\n`;
}
