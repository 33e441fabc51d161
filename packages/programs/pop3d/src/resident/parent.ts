// qmail-pop3d --listen: the whole POP3 service without a process per connection, and with every border of
// qmail's chain popup → checker → pop3d still there.
//
//   clients ──► login process (qmaild) ──── "user, password?" ───► parent (root) ── "password?" ──► worker (the user)
//                 many sessions,       ◄── ok / refused ──────────   finds the    ◄── ok / refused ──  one per uid
//                 no rights            ─── socket, read-ahead ────►  account      ─── socket ───────►  all its sessions
//                                      ◄── ended, counts ──────────                ◄── ended, counts ──
//
// 1. The login process speaks USER, PASS, CAPA, QUIT. A wrong password comes back to it: it answers, later
//    and later, and the client may try again.
// 2. The parent maps the name to a base user (host-wide files only). A system user's password it checks
//    itself, against the shadow file; a virtual user's is checked by the worker, as the user whose table it is.
// 3. On "ok" the login process sends the socket, with what it had read beyond PASS. The parent passes the raw
//    handle on; it never reads from it. The worker answers from there on.
//    A connection that is encrypted stays in the login process, which gives away one end of a socket pair.
// 4. The login process keeps the session in its count until it ends, so --max and --max-per-ip hold for all.
//
// In a private instance the same processes run, all as the one user. The end: SIGTERM stops the login
// process and gives sessions a grace. If login process or parent dies, the others end; workers finish what
// they serve first, and whoever supervises starts the service again.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { qmailHome } from '@q/control';
import { faultOf, Permanent } from '@q/fault';
import { type Log, openLog } from '@q/log';
import { type Invocation, pathOnly } from '@q/proc';
import { heldSocketOf } from '@q/session';
import { KeyFiles } from '@q/tls';
import { isPrivateInstance } from '@q/users';
import type { ServiceOptions } from '../options.ts';
import { Broker } from './broker.ts';
import { KEYS_LOOK } from './limits.ts';
import { fromLogin, type LoginConfig, type ToLogin } from './messages.ts';
import { Workers } from './workers.ts';

/** Runs the service until SIGTERM; the exit code is the login process's own when it could not start. */
export async function residentParent(
  invocation: Invocation,
  service: ServiceOptions,
  maildir: string,
): Promise<number> {
  const { program } = invocation;
  const home = qmailHome(invocation.env);
  const euid = process.geteuid?.() ?? 0;
  if (euid !== 0 && !isPrivateInstance(home, euid))
    throw new Permanent(`must be run by root, or by the owner of a private ${home}`);
  const log = openLog('qmail-pop3d');
  const env = { ...pathOnly(invocation.env), QMAILHOME: home };
  const workers = new Workers({ program, env, maildir });
  const keys = new KeyFiles(join(home, 'control'));
  const login = startLogin(program, env, service, keys);
  const tell = (message: ToLogin) => void (login.connected && login.send(message, () => {}));
  const broker = new Broker({ env, maildir, workers, log, tell });
  login.on('message', (message, handle) => {
    if (broker.onMessage(fromLogin(message), heldSocketOf(handle))) return;
    log('warning: the login process said what it may not; ended');
    login.kill('SIGKILL');
  });
  const looking = setInterval(() => tellNewKeys(keys, tell, log), KEYS_LOOK);
  const stop = () => {
    login.kill('SIGTERM');
    // Encrypted sessions end in the login process when they have ended here.
    void workers.stop();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  const code = await exitOf(login);
  clearInterval(looking);
  if (code !== 0) log(`warning: login process ended with exit code ${code}; stopping`);
  await workers.stop();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop);
  return code;
}

/** A certificate that was renewed is used from the next connection on; one that is none leaves the old one. */
function tellNewKeys(keys: KeyFiles, tell: (message: ToLogin) => void, log: Log): void {
  try {
    if (keys.changed) tell({ kind: 'keys', keys: keys.read() });
  } catch (error) {
    log(`warning: ${faultOf(error, 'unable to read certificates').message}`);
  }
}

/** Starts it as what we are: it binds first, and gives up root then. Descriptors given as fd:N move along. */
function startLogin(
  program: string,
  env: NodeJS.ProcessEnv,
  service: ServiceOptions,
  keys: KeyFiles,
): ChildProcess {
  const { env: _, addresses, ...limits } = service.listening;
  const { tlsAddresses, requireTls, digests } = service;
  if (tlsAddresses.length > 0 && !keys.there)
    throw new Permanent('--tls-listen needs a certificate: control/servercert.pem');
  const stdio: ('ignore' | 'ipc' | number)[] = ['ignore', 'ignore', 2, 'ipc'];
  const moved = (address: string) => {
    const fd = /^fd:([0-9]+)$/.exec(address)?.[1];
    return fd === undefined ? address : `fd:${stdio.push(Number(fd)) - 1}`;
  };
  const config: LoginConfig = {
    kind: 'be-login',
    listen: { ...limits, addresses: addresses.map(moved) },
    tlsAddresses: tlsAddresses.map(moved),
    requireTls,
    digests,
    ...(keys.there && { keys: keys.read() }),
  };
  const child = spawn(process.execPath, [program], {
    cwd: '/',
    env,
    stdio,
    serialization: 'json',
  });
  child.send(config, () => {});
  return child;
}

/** 111 when it was killed or could not be started. */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 111));
    child.once('error', () => resolve(111));
  });
}
