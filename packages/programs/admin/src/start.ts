// qmail-ts start: a whole mail system for trying out, developing and testing, in one directory.

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Permanent, Temporary } from '@q/fault';
import { tryFlock } from '@q/fsx';
import type { Invocation } from '@q/proc';
import { awaitGreeting, demonstrate } from './demo.ts';
import type { SubCommand, Values } from './front-door.ts';
import { DEMO_DOMAIN, type Instance, makeInstance } from './instance.ts';
import { HOST, type Ports, portOptionNames, portOptions, portsOf } from './ports.ts';
import { endGroups, leftoverServices } from './process-groups.ts';
import { type Service, supervise } from './supervisor.ts';
import { place, startAs } from './unprivileged.ts';

/** How long another supervisor's end is waited for, in milliseconds. */
const LOCK_PATIENCE = 3000;
/** What ends it, services first. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export const startCommand: SubCommand = {
  name: 'start',
  summary: 'run a private instance in the foreground, with a demo domain, until Ctrl-C',
  options: {
    dir: { type: 'string', describe: 'its directory', fallback: './var' },
    ...portOptions,
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
  const words = [...portOptionNames, 'check', 'skip-demo', 'json'].flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
  const child = await startAs(placed, words);
  // A Ctrl-C goes to the child too, which then hears of it twice; it stops the services and we wait for it.
  for (const signal of STOP_SIGNALS) process.on(signal, () => child.kill(signal));
  const exit = await child.exited;
  return 'code' in exit ? exit.code : 1;
}

async function serve(values: Values, invocation: Invocation): Promise<number> {
  const dir = resolve(dirOf(values));
  mkdirSync(join(dir, 'run'), { recursive: true });
  const lock = await takeLock(join(dir, 'run', 'lock'));
  const stopped = stopRequest();
  await endGroups(leftoverServices(dir, servicePrograms(dir)));
  const ports = await portsOf(values);
  const instance = await makeInstance(dir, dirname(invocation.program));
  const supervisor = await supervise(dir, instance.env, servicesOf(instance, ports));
  try {
    const up = bringUp(instance, ports, values);
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

function servicesOf(instance: Instance, ports: Ports): Service[] {
  const at = (port: number) => `${HOST}:${port}`;
  const program = (name: string): string => join(instance.bin, name);
  return [
    { name: 'send', file: program('qmail-start'), args: ['./Maildir/'] },
    { name: 'smtpd', file: program('qmail-smtpd'), args: ['--listen', at(ports.smtp)] },
    {
      name: 'pop3d',
      file: program('qmail-pop3d'),
      args: ['--listen', at(ports.pop3), 'Maildir'],
    },
    {
      name: 'imapd',
      file: program('imapd'),
      args: [
        '--listen',
        at(ports.imap),
        ...(instance.certificate === undefined ? [] : ['--tls-listen', at(ports.imaps)]),
        'Maildir',
      ],
    },
  ];
}

/** What a service's process may be running; qmail-start becomes qmail-send. */
function servicePrograms(dir: string): string[] {
  return ['qmail-start', 'qmail-send', 'qmail-smtpd', 'qmail-pop3d', 'imapd'].map((name) =>
    join(dir, 'bin', name),
  );
}

/** Waits for the services, proves that mail goes through, and tells how to connect. */
async function bringUp(instance: Instance, ports: Ports, values: Values): Promise<void> {
  const json = values.json === true;
  const state = instance.created ? 'new' : 'existing';
  if (!json) say(`${state} instance in ${instance.dir}, running as ${whoAmI()}`);
  for (const port of [ports.smtp, ports.pop3, ports.imap]) await awaitGreeting(port);
  if (instance.certificate !== undefined) await awaitGreeting(ports.imaps, instance.certificate);
  const proof = values['skip-demo'] === true ? 'not tried' : await prove(instance, ports, values);
  if (json) {
    const { dir, demoUsers: users } = instance;
    const report = { dir, ...reported(instance, ports), domain: DEMO_DOMAIN, users, proof };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } else {
    say(proof);
    process.stdout.write(howToConnect(instance, ports));
  }
}

/**
 * Sends the demonstration message and says what happened. With --check a failure is thrown; else the
 * instance stays up, for the log and the open ports are what one needs then.
 */
async function prove(instance: Instance, ports: Ports, values: Values): Promise<string> {
  const [to, from] = instance.demoUsers;
  if (to === undefined || from === undefined) {
    throw new Temporary('demo.json names no users: remove it and start again');
  }
  try {
    const { accepted, octets } = await demonstrate(ports, from, to);
    return (
      `sent a message by SMTP from ${from.address} to ${to.address}: ${accepted}\n` +
      `qmail-ts: read it back by POP3 and by IMAP: ${octets} octets, identical`
    );
  } catch (error) {
    if (values.check === true) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    return `the demonstration failed: ${detail}; ${join(instance.dir, 'log/current')} may say why`;
  }
}

/** The ports as --json has them. */
function reported({ certificate }: Instance, { smtp, pop3, imap, imaps }: Ports) {
  const tls = certificate === undefined ? {} : { imapsPort: imaps };
  return { smtpPort: smtp, pop3Port: pop3, imapPort: imap, ...tls };
}

function howToConnect(instance: Instance, { smtp, pop3, imap, imaps }: Ports): string {
  const [first] = instance.demoUsers;
  const users = instance.demoUsers.map((user) => `    ${user.address.padEnd(24)}${user.password}`);
  const login = `-u '${first?.address}:${first?.password}'`;
  const tls = instance.certificate === undefined ? '' : `, with TLS ${imaps}`;
  return `
  SMTP   ${HOST}  port ${smtp}   (accepts mail for ${DEMO_DOMAIN})
  POP3   ${HOST}  port ${pop3}
  IMAP   ${HOST}  port ${imap}${tls}

    login                   password
${users.join('\n')}

  try    curl smtp://${HOST}:${smtp} --mail-from you@${DEMO_DOMAIN} --mail-rcpt ${first?.address} -T FILE
         curl pop3://${HOST}:${pop3}/1 ${login}
         curl 'imap://${HOST}:${imap}/INBOX;MAILINDEX=1' ${login}
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
    for (const signal of STOP_SIGNALS) process.on(signal, () => done('stop'));
  });
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
