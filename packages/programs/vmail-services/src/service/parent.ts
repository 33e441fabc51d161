// The resident form of a service for virtual domains: no process is started for a request.
//
//   front process (no rights)      parent (root)                  workers (the domains' owners), in their homes
//   one for all clients            decides who may                one for each owner, kept while used
//
//   bytes ── request ── socket ──► resolve, judge ── work ─────► table, directories; answers the client
//                       ◄── ended                  ◄── worked
//
// The parent never reads from a client: a request comes to it as fields of a message. It asks the kernel who
// the client is, the shadow file whether a password is right, and passes the rest on.
//
// In a private instance the same processes run, all as the one user. The end: SIGTERM stops the front, then
// the workers when they are done. If the front dies the service ends; whoever supervises starts it again.

import { type ChildProcess, spawn } from 'node:child_process';
import { qmailHome } from '@q/control';
import { faultOf, Permanent, Temporary } from '@q/fault';
import { escapeForLog, openLog } from '@q/log';
import { type Invocation, pathOnly } from '@q/proc';
import { heldSocketOf, type ListenOptions, parseEndpoint } from '@q/session';
import { isPrivateInstance } from '@q/users';
import { REQUESTS_MAX } from '../limits.ts';
import { frontProcess } from './front-process.ts';
import { type FrontConfig, messageOf, type ToFront, type WorkerConfig } from './messages.ts';
import type { Service } from './service.ts';
import { giveToGroup, prepareDirectory, socketRights } from './socket-file.ts';
import { workerProcess } from './worker-process.ts';
import { Workers } from './workers.ts';

/** True in a process that `residentParent` or Workers started: only they give one an IPC channel. */
export function isServiceChild(): boolean {
  return process.channel !== undefined;
}

/** Runs as whatever the parent wants; resolves to the exit code. */
export async function serviceChild(service: Service, { env }: Invocation): Promise<number> {
  const config = await new Promise<FrontConfig | WorkerConfig>((resolve, reject) => {
    process.once('message', resolve);
    process.once('disconnect', () => reject(new Temporary('parent is gone')));
  });
  const code = await (config.kind === 'be-front'
    ? frontProcess(service, config)
    : workerProcess(service, config, env));
  if (process.connected) process.disconnect();
  return code;
}

/** Runs the service until SIGTERM; the exit code is the front process's own when it could not start. */
export async function residentParent(
  service: Service,
  invocation: Invocation,
  listening: Omit<ListenOptions, 'log'>,
): Promise<number> {
  const { program, options } = invocation;
  const home = qmailHome(invocation.env);
  const euid = process.geteuid?.() ?? 0;
  if (euid !== 0 && !isPrivateInstance(home, euid))
    throw new Permanent(`must be run by root, or by the owner of a private ${home}`);
  const rights = socketRights(options);
  const paths = listening.addresses
    .map(parseEndpoint)
    .flatMap((at) => ('path' in at ? [at.path] : []));
  for (const path of paths) prepareDirectory(path);
  const log = openLog(service.name);
  const env = { ...pathOnly(invocation.env), QMAILHOME: home };
  const workers = new Workers({ service: service.name, program, env });
  const front = startFront(service.name, program, env, rights.mode, listening);
  let under = 0;
  front.on('message', (message, handle) => {
    if ((message as { kind?: unknown }).kind === 'listening') {
      if (rights.gid !== undefined) for (const path of paths) giveToGroup(path, rights.gid);
      return;
    }
    const held = heldSocketOf(handle);
    const asked = messageOf('request', message);
    if (asked === undefined || held === undefined || under >= REQUESTS_MAX) {
      log('warning: the front process said what it may not; ended');
      held?.close();
      front.kill('SIGKILL');
      return;
    }
    under++;
    void service
      .serve(asked.id, asked.request, held, { env, workers, log, options })
      .catch((error: unknown) => {
        held.close();
        log(`warning: ${escapeForLog(faultOf(error, 'internal error').message)}`);
      })
      .then(() => {
        under--;
        const ended: ToFront = { kind: 'ended', id: asked.id };
        if (front.connected) front.send(ended, () => {});
      });
  });
  const stop = () => void front.kill('SIGTERM');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  const code = await exitOf(front);
  if (code !== 0) log(`warning: front process ended with exit code ${code}; stopping`);
  await workers.stop();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop);
  return code;
}

/** Starts it as what we are: it binds first, and gives up root then. Descriptors given as fd:N move along. */
function startFront(
  service: string,
  program: string,
  env: NodeJS.ProcessEnv,
  mode: number,
  listening: Omit<ListenOptions, 'log'>,
): ChildProcess {
  const { env: _, addresses, ...limits } = listening;
  const stdio: ('ignore' | 'ipc' | number)[] = ['ignore', 'ignore', 2, 'ipc'];
  const moved = addresses.map((address) => {
    const at = parseEndpoint(address);
    return at.kind === 'fd' ? `fd:${stdio.push(at.fd) - 1}` : address;
  });
  const child = spawn(process.execPath, [program], {
    cwd: '/',
    env,
    stdio,
    serialization: 'json',
  });
  const config: FrontConfig = {
    kind: 'be-front',
    service,
    mode,
    listen: { ...limits, addresses: moved },
  };
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
