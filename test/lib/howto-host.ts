// A real host as the HOWTO makes one: qmail's users, and qmail, SMTP and POP3 as services that svscan supervises and
// multilog logs. Needs root, daemontools and ucspi-tcp.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { steadyPort } from './instance.ts';
import { killQuietly, processesOf, until } from './processes.ts';
import { LOCAL_DOMAIN, makeRealHost, ownedDirectory, type RealHost } from './real-host.ts';
import { type Ran, run } from './run.ts';

/** The name of the address that has a domain to itself: tcpserver -l takes the place of the DNS. */
const DEDICATED = 'virtual.test';

export interface HowtoHost extends RealHost {
  readonly smtpPort: number;
  readonly pop3Port: number;
  /** POP3 on an address that is called like the domain. */
  readonly dedicatedPort: number;
  /** The directory of a service: qmail, smtpd, pop3d, dedicated. */
  service(name: string): string;
  log(name: string): string;
  /** What the domain's owner types, in a shell of his own. */
  asOwner(script: string, input?: string): Promise<Ran>;
  /** Puts a message in by SMTP; the last reply. */
  send(recipient: string, text: string, sender?: string): Promise<string>;
  stop(): Promise<void>;
}

/** `setup` may write to the tree before the services start. */
export async function startHowtoHost(
  setup: (host: RealHost) => void = () => {},
): Promise<HowtoHost> {
  const host = await makeRealHost();
  const { top, home, env } = host;
  const services = join(top, 'services');
  const logger = { uid: host.uidOf('qmaill'), gid: host.gidOf('nofiles') };
  const smtpPort = await steadyPort();
  const pop3Port = await steadyPort();
  const dedicatedPort = await steadyPort();
  setup(host);
  const qmaild = `-u${host.uidOf('qmaild')} -g${host.gidOf('nofiles')}`;
  const rules = join(top, 'smtp.cdb');
  await compileRules(rules, ':allow\n');
  const allow = relayAllow(top);
  const pop3 = (name: string, port: number) =>
    `tcpserver -vDRHl${name} 127.0.0.1 ${port} qmail-popup ${LOCAL_DOMAIN} checkvpw ${allow} qmail-pop3d Maildir`;
  const runs = {
    qmail: 'qmail-start ./Maildir/',
    smtpd: `tcpserver -vDRHl0 ${qmaild} -x ${rules} 127.0.0.1 ${smtpPort} ${relayCheck(top)} qmail-smtpd`,
    pop3d: pop3('0', pop3Port),
    dedicated: pop3(DEDICATED, dedicatedPort),
  };
  for (const [name, command] of Object.entries(runs)) {
    const dir = join(services, name);
    mkdirSync(join(dir, 'log'), { recursive: true });
    ownedDirectory(join(dir, 'log/main'), logger);
    const begin = `#!/bin/sh\nexec env - PATH="${env.PATH}" QMAILHOME="${home}"`;
    writeFileSync(join(dir, 'run'), `${begin} ${command} 2>&1\n`, { mode: 0o755 });
    writeFileSync(
      join(dir, 'log/run'),
      `#!/bin/sh\nexec setuidgid qmaill multilog t s9999999 ./main\n`,
      { mode: 0o755 },
    );
  }
  const svscan = spawn('svscan', [services], {
    env: { PATH: env.PATH, QMAILHOME: home },
    stdio: 'ignore',
  });
  const stop = () => stopHost(host, svscan, services);
  try {
    for (const port of [smtpPort, pop3Port, dedicatedPort])
      await until(`port ${port} greets`, async () => /^(220|\+OK)/.test(await talk(port, [])));
    await until('qmail-send runs', () =>
      processesOf(home).some(({ name }) => name === 'qmail-send'),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const service = (name: string) => join(services, name);
  return {
    ...host,
    smtpPort,
    pop3Port,
    dedicatedPort,
    service,
    log: (name) => readFileSync(join(service(name), 'log/main/current'), 'latin1'),
    asOwner: (script, input = '') => {
      const line = `PATH=${env.PATH} QMAILHOME=${home}; export PATH QMAILHOME; cd; ${script}`;
      const path = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
      return run('su', [host.owner.name, '-c', line], { env: path, cwd: '/', input });
    },
    send: (recipient, text, sender = 'sender@elsewhere.test') =>
      sendBySmtp(smtpPort, { sender, recipient }, text),
    stop,
  };
}

/** Lines of tcprules, for tcpserver -x; a running one takes the new ones at once. */
export async function compileRules(cdb: string, lines: string): Promise<void> {
  const made = await run('tcprules', [cdb, `${cdb}.tmp`], { input: lines });
  expect(made.code, made.err).toBe(0);
}

/** Relaying after POP3: who has logged in from an address may send from it, as relay-ctrl has it. */
function relayAllow(top: string): string {
  const dir = join(top, 'relaying');
  mkdirSync(dir);
  writeFileSync(join(top, 'relay-allow'), `#!/bin/sh\n>${dir}/$TCPREMOTEIP\nexec "$@"\n`, {
    mode: 0o755,
  });
  // Whoever logs in writes there.
  run('chmod', ['1777', dir]).catch(() => {});
  return join(top, 'relay-allow');
}

function relayCheck(top: string): string {
  const script = `#!/bin/sh\nif [ -e ${top}/relaying/$TCPREMOTEIP ]; then RELAYCLIENT=; export RELAYCLIENT; fi\nexec "$@"\n`;
  writeFileSync(join(top, 'relay-check'), script, { mode: 0o755 });
  return join(top, 'relay-check');
}

async function stopHost(host: RealHost, svscan: ChildProcess, services: string): Promise<void> {
  killQuietly(svscan.pid as number, 'SIGKILL');
  const names = readdirSync(services).flatMap((name) => [name, `${name}/log`]);
  await run('svc', ['-dxk', ...names.map((name) => join(services, name))]);
  await host.remove();
}

/** Says each line after the reply to the one before; everything that was heard. */
export function talk(port: number, lines: readonly string[], from?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ...(from && { localAddress: from }) });
    const left = [...lines];
    let heard = '';
    socket.setTimeout(60_000, () => socket.destroy(new Error(`no answer after: ${heard}`)));
    // Whoever is spoken to after the end answers with a reset.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      /ECONN|EPIPE/.test(error.code ?? '') ? resolve(heard) : reject(error),
    );
    socket.on('close', () => resolve(heard));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (!heard.endsWith('\n')) return;
      const line = left.shift();
      if (line === undefined) socket.end();
      else socket.write(`${line}\r\n`, 'latin1');
    });
  });
}

/** The replies to one message of an SMTP client at `from`. */
export function sendBySmtp(
  port: number,
  { sender, recipient }: { readonly sender: string; readonly recipient: string },
  text: string,
  from?: string,
): Promise<string> {
  const begin = ['HELO client.test', `MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`, 'DATA'];
  const message = `${text.replaceAll('\n', '\r\n')}\r\n.`;
  return talk(port, [...begin, message, 'QUIT'], from);
}

/** A POP3 session after a login, up to its end. */
export function popSession(
  port: number,
  login: { readonly user: string; readonly password: string },
  commands: readonly string[] = ['QUIT'],
  from?: string,
): Promise<string> {
  return talk(port, [`USER ${login.user}`, `PASS ${login.password}`, ...commands], from);
}

/** The messages of a maildir, as text, with the uid of each file's owner. */
export function messagesIn(maildir: string): { readonly text: string; readonly uid: number }[] {
  return ['new', 'cur'].flatMap((sub) =>
    readdirSync(join(maildir, sub)).map((name) => {
      const path = join(maildir, sub, name);
      return { text: readFileSync(path, 'latin1'), uid: statSync(path).uid };
    }),
  );
}

/** Waits for a message with `words` in it. */
export function arrived(maildir: string, words: string): Promise<{ text: string; uid: number }> {
  return until(`"${words}" is in ${maildir}`, () =>
    messagesIn(maildir).find(({ text }) => text.includes(words)),
  );
}
