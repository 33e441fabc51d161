// The HOWTO's scenarios about the host: S1, S2, S8, S9, S12 and S13, with qmail's users, daemontools and ucspi-tcp.

import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileShim, FaultOrders } from './lib/fault-shim/fault-orders.ts';
import {
  arrived,
  compileRules,
  type HowtoHost,
  popSession,
  sendBySmtp,
  startHowtoHost,
  talk,
} from './lib/howto-host.ts';
import { steadyPort } from './lib/instance.ts';
import { killQuietly, until } from './lib/processes.ts';
import { LOCAL_DOMAIN, ownedDirectory, VIRTUAL_DOMAIN } from './lib/real-host.ts';
import { installed, isRoot, run } from './lib/run.ts';

const ready =
  isRoot && installed('svscan', 'multilog', 'tcpserver', 'rblsmtpd', 'fixcrio', 'softlimit', 'su');

describe.runIf(ready)('the HOWTO’s host (needs root, daemontools, ucspi-tcp)', () => {
  let host: HowtoHost;
  let server: ChildProcess | undefined;
  beforeAll(async () => {
    host = await startHowtoHost();
  }, 600_000);
  afterAll(async () => {
    if (server?.pid !== undefined) killQuietly(server.pid, 'SIGKILL');
    await host?.stop();
  });

  const box = (user: string) => join(host.owner.home, 'users', user);
  const joesBox = () => join(host.joe.home, 'Maildir');
  const joesAddress = () => `${host.joe.name}@${LOCAL_DOMAIN}`;

  /** The pid under supervise; undefined while it is down. */
  async function supervised(name: string): Promise<number | undefined> {
    const { out } = await run('svstat', [host.service(name)]);
    const pid = /: up \(pid ([0-9]+)\)/.exec(out.toString())?.[1];
    return pid === undefined ? undefined : Number(pid);
  }

  /** One line for the domain, one for who may write to it, and a signal: nothing is restarted. */
  async function addDomain(...lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      appendFileSync(join(host.home, 'control/virtualdomains'), `${line}\n`);
      appendFileSync(join(host.home, 'control/rcpthosts'), `${line.split(':')[0]}\n`);
    }
    expect((await run('svc', ['-h', host.service('qmail')])).code).toBe(0);
  }

  /** Sends until it arrives: what came before qmail-send took the signal is nobody's. */
  async function reaches(recipient: string, maildir: string, sender?: string): Promise<void> {
    await until(`mail for ${recipient} arrives`, async () => {
      const sent = await host.send(recipient, `Subject: for ${recipient}\n\nhello\n`, sender);
      expect(sent).toMatch(/^250 ok [0-9]+ qp [0-9]+\r$/m);
      const there = until('it arrives', async () => arrived(maildir, `for ${recipient}\n`), 3);
      return there.catch(() => undefined);
    });
  }

  test('S1: after one setup command all services are supervised and logged, and come back when they are killed', async () => {
    const services = [
      ['smtpd', host.smtpPort, /^220 mail\.host\.test ESMTP\r\n/],
      ['pop3d', host.pop3Port, /^\+OK <[^>]+>\r\n/],
    ] as const;
    for (const [name, port, greeting] of services) {
      expect(await talk(port, ['QUIT'])).toMatch(greeting);
      const before = await supervised(name);
      killQuietly(before as number, 'SIGKILL');
      await until(`${name} is back`, async () => {
        const pid = await supervised(name);
        return pid !== undefined && pid !== before && greeting.test(await talk(port, ['QUIT']));
      });
      await until('it is in the log', () =>
        /^@[0-9a-f]{24} tcpserver: end [0-9]+ status 0$/m.test(host.log(name)),
      );
    }
    expect(host.log('qmail')).toMatch(/^@[0-9a-f]{24} status: local 0\/10 remote 0\/20$/m);
    // The sendmail of programs on the host is in the package too.
    const mail = `To: ann@${VIRTUAL_DOMAIN}\nSubject: by sendmail\n\nhello\n`;
    const { uid, gid } = host.joe;
    const env = { ...host.env, USER: host.joe.name };
    const sent = await run(join(host.home, 'bin/sendmail'), ['-t'], { env, uid, gid, input: mail });
    expect(sent.code, sent.err).toBe(0);
    await arrived(box('ann'), 'by sendmail');
  });

  test('S2: a domain is one line and its place among the accepted ones, with its subdomains by a dot; no restart', async () => {
    const pid = await supervised('qmail');
    expect(await host.send('ann@new.test', 'Subject: x\n')).toMatch(/^553 /m);
    await addDomain(`new.test:${host.owner.name}`, `.new.test:${host.owner.name}`);
    for (const domain of ['new.test', 'any.sub.new.test'])
      await reaches(`ann@${domain}`, box('ann'));
    expect(await host.send('ann@old.test', 'Subject: x\n')).toMatch(/^553 /m);
    expect(await supervised('qmail')).toBe(pid);
  });

  test('S8: mail is below the owner’s home and the owner’s own; on a full disk it waits, over the disk quota it bounces', async () => {
    await reaches(`ann@${VIRTUAL_DOMAIN}`, box('ann'));
    expect((await arrived(box('ann'), `for ann@${VIRTUAL_DOMAIN}\n`)).uid).toBe(host.owner.uid);
    await fullDisk('Subject: waits for room\n\n');
    await fullQuota('Subject: over the quota\n\nhello\n');
  });

  async function fullDisk(head: string): Promise<void> {
    const size = 'size=64k,mode=755';
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', box('ben')]);
    expect(mounted.code, mounted.err).toBe(0);
    try {
      for (const sub of ['', 'cur', 'new', 'tmp'])
        ownedDirectory(join(box('ben'), sub), host.owner);
      const text = `${head}${'x'.repeat(70)}\n`.padEnd(100_000, `${'y'.repeat(70)}\n`);
      expect(await host.send(`ben@${VIRTUAL_DOMAIN}`, text)).toMatch(/^250 ok/m);
      await until('it is deferred', () => /delivery [0-9]+: deferral: /.test(host.log('qmail')));
      expect(host.log('qmail')).not.toMatch(/delivery [0-9]+: failure: /);
    } finally {
      await run('umount', ['-l', box('ben')]);
    }
    await until('it comes with the next try', async () => {
      await run('svc', ['-a', host.service('qmail')]);
      return until('it arrives', async () => arrived(box('ben'), head), 3).catch(() => undefined);
    });
  }

  /** The system call that fails is one of vdeliver's own, by a library under it: few hosts have disk quotas. */
  async function fullQuota(text: string): Promise<void> {
    expect((await host.asOwner('vadduser -P full')).code).toBe(0);
    const orders = new FaultOrders(join(host.top, 'orders'), host.owner.home);
    try {
      const preload = Object.entries(orders.environment(compileShim(host.top)));
      const words = preload.map(([name, value]) => `${name}='${value}'`).join(' ');
      const command = `|env ${words} ${host.home}/bin/vdeliver\n`;
      writeFileSync(join(host.owner.home, '.qmail-full'), command);
      const { EDQUOT } = constants.errno;
      orders.arm(0, { role: 'vdeliver', call: 'write', action: 'fail', error: EDQUOT, nth: 1 });
      expect(await host.send(`full@${VIRTUAL_DOMAIN}`, text, joesAddress())).toMatch(/^250 ok/m);
      const { text: bounce } = await arrived(joesBox(), 'Subject: over the quota');
      expect(bounce).toContain('failure notice');
      expect(bounce).toContain('quota');
      expect(orders.lift(0)).toBe(true);
    } finally {
      orders.close();
    }
  }

  test('S9: a domain of aliases alone; its postmaster, mailer-daemon and root are answered, and nobody else', async () => {
    const postmaster = join(host.home, 'alias/.qmail-postmaster');
    writeFileSync(postmaster, `&${joesAddress()}\n`);
    const { name } = host.joe;
    const setup = `vsetup --quiet && vaddalias info ${joesAddress()}`;
    const line = `PATH=${host.env.PATH} QMAILHOME=${host.home}; export PATH QMAILHOME; cd; ${setup}`;
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
    const made = await run('su', [name, '-c', line], { env, cwd: '/' });
    expect(made.code, made.err).toBe(0);
    await addDomain(`aliases.test:${name}`);
    for (const alias of ['info', 'postmaster', 'root', 'Mailer-Daemon'])
      await reaches(`${alias}@aliases.test`, joesBox());
    await reaches('postmaster@aliases.test', joesBox(), '');
    expect(await host.send('nobody@aliases.test', 'Subject: lost\n', joesAddress())).toMatch(
      /^250/m,
    );
    const { text } = await arrived(joesBox(), 'Subject: lost');
    expect(text).toContain("Invalid or unknown virtual user 'nobody'");
  });

  test('S12: clients may send anywhere by the rules of tcpserver, and from where they have just read their mail by POP3', async () => {
    const far = { sender: `ann@${VIRTUAL_DOMAIN}`, recipient: 'somebody@far.invalid' };
    const sent = (from: string) => sendBySmtp(host.smtpPort, far, 'Subject: far\n', from);
    const [stranger, reader, office] = ['127.0.0.31', '127.0.0.32', '127.0.0.33'];
    for (const from of [stranger, reader, office]) expect(await sent(from)).toMatch(/^553 /m);
    const ann = { user: `ann@${VIRTUAL_DOMAIN}`, password: host.virtual.ann as string };
    await popSession(host.pop3Port, { ...ann, password: 'wrong' }, [], stranger);
    expect(await popSession(host.pop3Port, ann, ['QUIT'], reader)).toMatch(/(\+OK .*\r\n){4}/);
    await compileRules(join(host.top, 'smtp.cdb'), `${office}:allow,RELAYCLIENT=""\n:allow\n`);
    for (const from of [reader, office]) expect(await sent(from)).toMatch(/^250 ok [0-9]+ qp/m);
    expect(await sent(stranger)).toMatch(/^553 /m);
  });

  test('S13: limits of resources and of clients at a time, blocked addresses, and line ends put right, by ucspi-tcp and daemontools', async () => {
    const port = await steadyPort();
    const rules = join(host.top, 'limited.cdb');
    await compileRules(
      rules,
      '127.0.0.41:allow,RBLSMTPD="-Blocked, see example.test"\n:allow,RBLSMTPD=""\n',
    );
    const ids = [`-u${host.uidOf('qmaild')}`, `-g${host.gidOf('nofiles')}`];
    const words = ['-o', '64', 'tcpserver', '-DRHl0', '-c1', ...ids, '-x', rules];
    const programs = ['fixcrio', 'rblsmtpd', 'qmail-smtpd'];
    server = spawn('softlimit', [...words, '127.0.0.1', String(port), ...programs], {
      env: host.env,
      stdio: 'ignore',
    });
    await until('it greets', async () => /^220 mail/.test(await talk(port, ['QUIT'])));
    expect(readFileSync(`/proc/${server.pid}/limits`, 'latin1')).toMatch(/^Max open files +64 /m);
    const blocked = ['HELO x', 'MAIL FROM:<a@b.test>', `RCPT TO:<ann@${VIRTUAL_DOMAIN}>`, 'QUIT'];
    expect(await talk(port, blocked, '127.0.0.41')).toMatch(/^553 Blocked, see example\.test\r$/m);
    const first = hear(port);
    await until('the first client is greeted', () => first.heard() !== '');
    const second = hear(port);
    await until('the second one is connected', () => second.connected());
    // Every line ends as it does on Unix, which qmail-smtpd alone would not take.
    const mail = `Subject: bare line ends\n\nhello\n.\n`;
    const dialogue = [
      `HELO x\nMAIL FROM:<a@b.test>\nRCPT TO:<ann@${VIRTUAL_DOMAIN}>\nDATA\n`,
      mail,
    ];
    first.say(dialogue[0] as string);
    await until('it may go on', () => /^354 /m.test(first.heard()));
    first.say(dialogue[1] as string);
    await until('it is taken', () => /^250 ok [0-9]+ qp/m.test(first.heard()));
    await arrived(box('ann'), 'Subject: bare line ends');
    expect(second.heard()).toBe('');
    first.end();
    await until('then it is the second one’s turn', () => /^220 mail/.test(second.heard()));
    second.end();
  });
});

function hear(port: number) {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  let connected = false;
  socket.on('error', () => {});
  socket.on('connect', () => {
    connected = true;
  });
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  return {
    heard: () => heard,
    connected: () => connected,
    say: (text: string) => socket.write(text),
    end: () => socket.end(),
  };
}
