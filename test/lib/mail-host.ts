// A tree with one virtual domain and a mail service, for a test: private (one ordinary user runs all) or as root runs
// it. The domain's owner stands in users/cdb alone, so no account of the machine is touched.

import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCdb } from '@q/cdb';
import type { KeyPair } from '@q/tls';
import { compileAssign } from '@q/users';
import { DIST, openDirectory, removeInstance } from './instance.ts';
import { until } from './processes.ts';
import { isRoot, run } from './run.ts';

export const DOMAIN = 'virtual.test';
/** A uid nobody has, when the tests run as root; else our own. */
export const OWNER_UID = isRoot ? 52_525 : (process.getuid?.() as number);

export interface MailHost {
  readonly home: string;
  /** The virtual users and their passwords. */
  readonly users: Readonly<Record<string, string>>;
  readonly port: number;
  /** Where connections begin with TLS, if --tls-listen was given. */
  readonly tlsPort: number | undefined;
  readonly service: ChildProcess;
  /** Everything the service has logged. */
  log(): string;
  maildir(user: string): string;
  /** Puts a message into a user's new/. */
  put(user: string, name: string, content: string): void;
  /** Runs one of our programs as the domain's owner. Throws if it fails. */
  tool(name: string, args: readonly string[], input: string): Promise<void>;
  remove(): Promise<void>;
}

export interface MailHostWish {
  /** qmail-pop3d or imapd. */
  readonly program: string;
  readonly mode: 'private' | 'root';
  readonly words?: readonly string[];
  readonly keys?: KeyPair | undefined;
  /** Variables of the service. */
  readonly env?: NodeJS.ProcessEnv;
}

export async function startMailHost(wish: MailHostWish): Promise<MailHost> {
  const { program, mode, words = [], keys } = wish;
  const home = openDirectory('mail-host-');
  const users = { ann: 'anns secret', ben: 'bens secret' };
  await makeTree(home, mode);
  if (keys !== undefined) {
    writeFileSync(join(home, 'control/servercert.pem'), keys.cert);
    // As a host has it: for the parent alone.
    writeFileSync(join(home, 'control/serverkey.pem'), keys.key, { mode: 0o600 });
    if (isRoot && mode === 'private')
      chownSync(join(home, 'control/serverkey.pem'), OWNER_UID, OWNER_UID);
  }
  const env = { PATH: process.env.PATH, QMAILHOME: home };
  const tool: MailHost['tool'] = async (name, args, input) => {
    const cwd = join(home, 'joe');
    const made = await run(join(DIST, name), args, {
      ...(isRoot ? { uid: OWNER_UID, gid: OWNER_UID } : {}),
      cwd,
      input,
      env: { ...env, HOME: cwd, USER: 'joe' },
    });
    if (made.code !== 0) throw new Error(`${name}: ${made.err}`);
  };
  for (const [name, password] of Object.entries(users))
    await tool('vadduser', [name], `${password}\n`);
  const service = spawn(
    join(DIST, program),
    ['--listen', '127.0.0.1:0', ...(mode === 'root' ? ['--user', 'nobody'] : []), ...words],
    {
      cwd: '/',
      env: { ...env, ...wish.env },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(mode === 'private' && isRoot ? { uid: OWNER_UID, gid: OWNER_UID } : {}),
    },
  );
  let log = '';
  service.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('latin1');
  });
  const port = await until('the service listens', () => {
    if (service.exitCode !== null)
      throw new Error(`the service ended with exit code ${service.exitCode}: ${log}`);
    if (!log.includes('status:')) return undefined;
    return Number(/listening on 127\.0\.0\.1:([0-9]+)/.exec(log)?.[1] ?? 0) || undefined;
  }).catch(async (error: unknown) => {
    await removeInstance(home, [service]);
    throw error;
  });
  const maildir = (user: string) => join(home, 'joe/users', user);
  return {
    home,
    users,
    port,
    tlsPort: words.includes('--tls-listen')
      ? Number(/listening on .*\n[\s\S]*?listening on 127\.0\.0\.1:([0-9]+)/.exec(log)?.[1])
      : undefined,
    service,
    log: () => log,
    maildir,
    put: (user, name, content) => {
      const path = join(maildir(user), 'new', name);
      writeFileSync(path, content, 'latin1');
      if (isRoot) chownSync(path, OWNER_UID, OWNER_UID);
    },
    tool,
    remove: () => removeInstance(home, [service]),
  };
}

async function makeTree(home: string, mode: 'private' | 'root'): Promise<void> {
  for (const dir of ['queue', 'control', 'users', 'joe', 'joe/users']) mkdirSync(join(home, dir));
  writeFileSync(join(home, 'control/me'), 'host.test\n');
  writeFileSync(join(home, 'control/virtualdomains'), `${DOMAIN}:joe\n`);
  const ids = `${OWNER_UID}:${OWNER_UID}`;
  const assign = compileAssign(`+joe-:joe:${ids}:${home}/joe:-::\n.\n`);
  await writeCdb(join(home, 'users/cdb'), assign, { mode: 0o644 });
  if (!isRoot) return;
  const owned = mode === 'private' ? ['', 'queue', 'control', 'users'] : [];
  for (const dir of [...owned, 'joe', 'joe/users'])
    chownSync(join(home, dir), OWNER_UID, OWNER_UID);
}
