// qmail-ts start: a whole mail system for trying out, developing and testing, in one directory.

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { errnoOf, Permanent, Temporary } from '@q/fault';
import { tryFlock } from '@q/fsx';
import type { Invocation } from '@q/proc';
import { awaitGreeting, demonstrate } from './demo.ts';
import type { SubCommand, Values } from './front-door.ts';
import { DEMO_DOMAIN, type Instance, makeInstance } from './instance.ts';
import { endGroups, leftoverServices } from './process-groups.ts';
import { type Service, supervise } from './supervisor.ts';
import { place, startAs } from './unprivileged.ts';

const HOST = '127.0.0.1';
const DEFAULT_SMTP_PORT = '2525';
const DEFAULT_POP3_PORT = '2110';
/** How long another supervisor's end is waited for, in milliseconds. */
const LOCK_PATIENCE = 3000;

export const startCommand: SubCommand = {
  name: 'start',
  summary: 'run a private instance in the foreground, with a demo domain, until Ctrl-C',
  options: {
    dir: { type: 'string', describe: 'its directory', fallback: './var' },
    'smtp-port': {
      type: 'string',
      describe: 'port on 127.0.0.1, 0 for any',
      fallback: DEFAULT_SMTP_PORT,
    },
    'pop3-port': {
      type: 'string',
      describe: 'port on 127.0.0.1, 0 for any',
      fallback: DEFAULT_POP3_PORT,
    },
    check: { type: 'boolean', describe: 'stop after the demonstration: exit code 0 or 1' },
    'skip-demo': {
      type: 'boolean',
      describe: 'send no message through it, only wait until it answers',
    },
    json: { type: 'boolean', describe: 'print one line of JSON when it is up, nothing else' },
  },
  run: runStart,
};

async function runStart(values: Values, invocation: Invocation): Promise<number> {
  try {
    return process.geteuid?.() === 0
      ? await asUnprivileged(values, invocation)
      : await serve(values, invocation);
  } catch (error) {
    if (values.check !== true || !(error instanceof Error)) throw error;
    // --check promises 0 or 1.
    throw new Permanent(error.message, { cause: error, exitCode: 1 });
  }
}

async function asUnprivileged(values: Values, invocation: Invocation): Promise<number> {
  const placed = place(dirOf(values), dirname(invocation.program));
  if (placed.moved !== undefined) say(`${placed.moved}, so the instance is in ${placed.dir}`);
  say(`started by root, serving as uid ${placed.uid}, which owns only ${placed.dir}`);
  const words = ['smtp-port', 'pop3-port', 'check', 'skip-demo', 'json'].flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
  const child = await startAs(placed, words);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  // A Ctrl-C goes to the child too; it stops the services and we wait for it.
  process.on('SIGINT', () => {});
  const exit = await child.exited;
  return 'code' in exit ? exit.code : 1;
}

async function serve(values: Values, invocation: Invocation): Promise<number> {
  const dir = resolve(dirOf(values));
  mkdirSync(join(dir, 'run'), { recursive: true });
  const lock = await takeLock(join(dir, 'run', 'lock'));
  const stopped = stopRequest();
  await endGroups(leftoverServices(dir, servicePrograms(dir)));
  const smtpPort = await usablePort(values, 'smtp-port', DEFAULT_SMTP_PORT);
  const pop3Port = await usablePort(values, 'pop3-port', DEFAULT_POP3_PORT);
  const instance = await makeInstance(dir, dirname(invocation.program));
  const supervisor = await supervise(dir, instance.env, servicesOf(instance, smtpPort, pop3Port));
  try {
    const up = bringUp(instance, smtpPort, pop3Port, values);
    up.catch(() => {}); // a stop or a dead service may be faster
    const first = await Promise.race([up.then(() => 'up' as const), supervisor.failed, stopped]);
    supervisor.ready();
    if (first === 'up' && values.check !== true) await stopped;
  } finally {
    await supervisor.stop();
    closeSync(lock);
  }
  if (values.json !== true) say('stopped');
  return 0;
}

function servicesOf(instance: Instance, smtpPort: number, pop3Port: number): Service[] {
  const program = (name: string): string => join(instance.bin, name);
  return [
    { name: 'send', file: program('qmail-start'), args: ['./Maildir/'] },
    { name: 'smtpd', file: program('qmail-smtpd'), args: ['--listen', `${HOST}:${smtpPort}`] },
    {
      name: 'pop3d',
      file: program('qmail-pop3d'),
      args: ['--listen', `${HOST}:${pop3Port}`, 'Maildir'],
    },
  ];
}

/** What a service's process may be running; qmail-start becomes qmail-send. */
function servicePrograms(dir: string): string[] {
  return ['qmail-start', 'qmail-send', 'qmail-smtpd', 'qmail-pop3d'].map((name) =>
    join(dir, 'bin', name),
  );
}

/** Waits for the services, proves that mail goes through, and tells how to connect. */
async function bringUp(
  instance: Instance,
  smtpPort: number,
  pop3Port: number,
  values: Values,
): Promise<void> {
  const json = values.json === true;
  const state = instance.created ? 'new' : 'existing';
  if (!json) say(`${state} instance in ${instance.dir}, running as ${whoAmI()}`);
  await awaitGreeting(smtpPort);
  await awaitGreeting(pop3Port);
  const proof =
    values['skip-demo'] === true ? 'not tried' : await prove(instance, smtpPort, pop3Port, values);
  if (json) {
    const { dir, demoUsers: users } = instance;
    const report = { dir, smtpPort, pop3Port, domain: DEMO_DOMAIN, users, proof };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } else {
    say(proof);
    process.stdout.write(howToConnect(instance, smtpPort, pop3Port));
  }
}

/**
 * Sends the demonstration message and says what happened. With --check a failure is thrown; else the
 * instance stays up, for the log and the open ports are what one needs then.
 */
async function prove(
  instance: Instance,
  smtpPort: number,
  pop3Port: number,
  values: Values,
): Promise<string> {
  const [to, from] = instance.demoUsers;
  if (to === undefined || from === undefined) {
    throw new Temporary('demo.json names no users: remove it and start again');
  }
  try {
    const { accepted, octets } = await demonstrate(smtpPort, pop3Port, from, to);
    return (
      `sent a message by SMTP from ${from.address} to ${to.address}: ${accepted}\n` +
      `qmail-ts: read it back by POP3: ${octets} octets, identical`
    );
  } catch (error) {
    if (values.check === true) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    return `the demonstration failed: ${detail}; ${join(instance.dir, 'log/current')} may say why`;
  }
}

function howToConnect(instance: Instance, smtpPort: number, pop3Port: number): string {
  const [first] = instance.demoUsers;
  const users = instance.demoUsers.map((user) => `    ${user.address.padEnd(24)}${user.password}`);
  return `
  SMTP   ${HOST}  port ${smtpPort}   (accepts mail for ${DEMO_DOMAIN})
  POP3   ${HOST}  port ${pop3Port}

    login                   password
${users.join('\n')}

  try    curl smtp://${HOST}:${smtpPort} --mail-from you@${DEMO_DOMAIN} --mail-rcpt ${first?.address} -T FILE
         curl pop3://${HOST}:${pop3Port}/1 -u '${first?.address}:${first?.password}'
  log    ${join(instance.dir, 'log', 'current')}
  stop   Ctrl-C

`;
}

/**
 * One supervisor an instance: the lock goes with the process, however it ends. One that has been killed may take a
 * moment to be gone, and its last child to become a service of which it is known what it is.
 */
async function takeLock(path: string): Promise<number> {
  const fd = openSync(path, 'a');
  for (const deadline = Date.now() + LOCK_PATIENCE; !tryFlock(fd, 'exclusive'); ) {
    if (Date.now() > deadline)
      throw new Temporary('this instance is running already: stop it first, or give another --dir');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return fd;
}

function stopRequest(): Promise<'stop'> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => done('stop'));
  });
}

/** The port asked for, after seeing that it is free; 0 becomes one that is. Throws Permanent when it is taken. */
async function usablePort(values: Values, option: string, fallback: string): Promise<number> {
  const text = String(values[option] ?? fallback);
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new Permanent(`--${option} ${text}: not a port`);
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: HOST, port, exclusive: true }, () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  } catch (error) {
    const reason =
      errnoOf(error) === 'EADDRINUSE' ? 'is in use' : `cannot be used (${errnoOf(error)})`;
    throw new Permanent(
      `port ${port} ${reason}: stop what listens there, or give another one with --${option}`,
    );
  } finally {
    await new Promise((done) => server.close(done));
  }
}

function dirOf(values: Values): string {
  return typeof values.dir === 'string' ? values.dir : './var';
}

function whoAmI(): string {
  const uid = process.getuid?.();
  try {
    return `${userInfo().username} (uid ${uid})`;
  } catch {
    return `uid ${uid}`;
  }
}

function say(line: string): void {
  process.stdout.write(`qmail-ts: ${line}\n`);
}
