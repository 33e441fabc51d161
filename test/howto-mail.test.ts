// The HOWTO's scenarios about mailboxes: S5, S6, S7, S10, S11 and S16, with real accounts. POP3 and SMTP are ours, under
// tcpserver; IMAP is Debian's Courier, which finds the users through its authdaemond and our authvmailmgr-pipe, and
// system users through its authpam.

import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Courier, hasCourier } from './lib/courier.ts';
import {
  arrived,
  type HowtoHost,
  messagesIn,
  popSession,
  startHowtoHost,
} from './lib/howto-host.ts';
import { killQuietly, until } from './lib/processes.ts';
import { LOCAL_DOMAIN, VIRTUAL_DOMAIN } from './lib/real-host.ts';
import { installed, isRoot, run } from './lib/run.ts';

const IMAP_OK = /^a OK.*\r\n/m;
const IMAP_ANY = /^a (OK|NO|BAD).*\r\n/m;
const ready = isRoot && hasCourier && installed('svscan', 'multilog', 'tcpserver', 'su', 'python3');

describe.runIf(ready)('the HOWTO’s mailboxes (needs root, daemontools, ucspi-tcp, Courier)', () => {
  let host: HowtoHost;
  let courier: Courier;
  let vmailmgrd: ChildProcess | undefined;
  beforeAll(async () => {
    host = await startHowtoHost();
    const top = join(host.top, 'courier');
    mkdirSync(top);
    courier = new Courier(top, host.home);
    await courier.startAuthdaemond(['authpam']);
  }, 600_000);
  afterAll(async () => {
    if (vmailmgrd?.pid !== undefined) killQuietly(vmailmgrd.pid, 'SIGKILL');
    await courier?.stop();
    await host?.stop();
  });

  const box = (user: string) => join(host.owner.home, 'users', user);
  const joesBox = () => join(host.joe.home, 'Maildir');
  const joesAddress = () => `${host.joe.name}@${LOCAL_DOMAIN}`;
  const address = (user: string) => `${user}@${VIRTUAL_DOMAIN}`;
  const password = (user: string) => host.virtual[user] as string;
  const forms = (user: string) => [
    address(user),
    `${user}:${VIRTUAL_DOMAIN}`,
    `${host.owner.name}-${user}`,
  ];

  const pop = (user: string, secret: string, ...commands: string[]) =>
    popSession(host.pop3Port, { user, password: secret }, [...commands, 'QUIT']);

  /** With the name alone, on the address that is called like the domain. */
  const popDedicated = (user: string, secret: string, ...commands: string[]) =>
    popSession(host.dedicatedPort, { user, password: secret }, [...commands, 'QUIT']);

  /** The number of messages after a login by IMAP. */
  async function imap(user: string, secret: string, domain = ''): Promise<string> {
    // DEFDOMAIN is Courier's word for the domain of names without one, set for an address it listens on.
    const session = await courier.imap(domain === '' ? {} : { DEFDOMAIN: `@${domain}` });
    try {
      const reply = await session.say(`a LOGIN "${user}" "${secret}"`, IMAP_ANY);
      if (!IMAP_OK.test(reply)) return 'refused';
      const status = await session.say('a STATUS INBOX (MESSAGES)', IMAP_OK);
      return /\(MESSAGES [0-9]+\)/.exec(status)?.[0] ?? status;
    } finally {
      await session.end();
    }
  }

  /** A file of the owner's, in the home. */
  function write(path: string, content: string, mode = 0o644): void {
    const file = join(host.owner.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
    for (const made of [dirname(file), file]) chownSync(made, host.owner.uid, host.owner.gid);
  }

  async function owner(script: string, input = ''): Promise<void> {
    const ran = await host.asOwner(script, input);
    expect(ran.code, ran.err).toBe(0);
  }

  test('S5: all forms of a name, and system users in the same service, by POP3 through tcpserver', async () => {
    for (const name of forms('ben'))
      expect(await pop(name, password('ben'), 'STAT'), name).toMatch(/^\+OK 0 0\r$/m);
    expect(await popDedicated('ben', password('ben'), 'STAT')).toMatch(/^\+OK 0 0\r$/m);
    expect(await pop('ben', password('ben'))).toContain('-ERR [AUTH]');
    expect(await pop(host.joe.name, host.joe.password, 'STAT')).toMatch(/^\+OK 0 0\r$/m);
    expect(await pop(host.joe.name, password('ben'))).toContain('-ERR [AUTH]');
  });

  test('S6: the same forms by Courier’s IMAP, and the next module of the chain for names that are not virtual', async () => {
    const all = [
      ...forms('ben').map((name) => imap(name, password('ben'))),
      imap('ben', password('ben'), VIRTUAL_DOMAIN),
      imap(host.joe.name, host.joe.password),
    ];
    expect(await Promise.all(all)).toEqual(all.map(() => '(MESSAGES 0)'));
    const refused = [
      imap(address('ben'), 'wrong'),
      imap(address('nobody'), password('ben')),
      imap(host.joe.name, 'wrong'),
    ];
    expect(await Promise.all(refused)).toEqual(refused.map(() => 'refused'));
  });

  test('S7: POP3 and Courier’s IMAP on one Maildir at once, several connections each, and each sees what the other does', async () => {
    await owner('vadduser both', 'secret\n');
    for (const n of [1, 2, 3]) {
      expect(await host.send(address('both'), `Subject: number ${n}\n\nhello\n`)).toMatch(
        /^250 ok/m,
      );
      await arrived(box('both'), `Subject: number ${n}\n`);
    }
    const sessions = await Promise.all([1, 2, 3].map(() => courier.imap()));
    for (const session of sessions) {
      await session.say(`a LOGIN ${address('both')} secret`, IMAP_OK);
      expect(await session.say('a SELECT INBOX', IMAP_OK)).toContain('* 3 EXISTS');
    }
    const pops = [1, 2, 3].map(() => pop(address('both'), 'secret', 'STAT', 'RETR 3'));
    for (const heard of await Promise.all(pops)) expect(heard).toMatch(/^\+OK 3 [0-9]+\r$/m);
    const list = await pop(address('both'), 'secret', 'TOP 1 0', 'DELE 1');
    const gone = /^Subject: (number [0-9])\r$/m.exec(list)?.[1];
    for (const session of sessions) {
      expect(await session.say('a NOOP', IMAP_OK)).toMatch(/^\* 2 EXISTS\r$/m);
      const heard = await session.say('a FETCH 1:2 BODY.PEEK[HEADER.FIELDS (Subject)]', IMAP_OK);
      expect(heard.match(/^Subject: number [0-9]\r$/gm)).toHaveLength(2);
      expect(heard).not.toContain(`Subject: ${gone}\r`);
    }
    await sessions[0]?.say('a STORE 1 +FLAGS.SILENT (\\Deleted)', IMAP_OK);
    await sessions[0]?.say('a EXPUNGE', IMAP_OK);
    expect(await pop(address('both'), 'secret', 'STAT')).toMatch(/^\+OK 1 [0-9]+\r$/m);
    expect(await host.send(address('both'), 'Subject: number 4\n\nhello\n')).toMatch(/^250 ok/m);
    await arrived(box('both'), 'Subject: number 4\n');
    for (const session of sessions)
      expect(await session.say('a NOOP', IMAP_OK)).toMatch(/^\* 2 EXISTS\r$/m);
  });

  test('S10: a quota, an answer while away, bulletins, and hooks before and after deliveries and logins', async () => {
    await owner('vadduser -c 1 busy', 'secret\n');
    write('users/busy/autoresponse/message.txt', 'Subject: away\n\nBack on Monday.\n');
    write('.vmailmgr/quota-warnings', '');
    const hook = (name: string) => `#!/bin/sh\necho "${name} $VUSER $(id -un)" >>$HOME/hooks\n`;
    for (const name of ['vdeliver-predeliver', 'vdeliver-postdeliver'])
      write(`.vmailmgr/${name}`, hook(name), 0o755);
    const login = `${hook('checkvpw-postsetuid')}exec ${host.home}/bin/vpopbull bulletins\n`;
    write('.vmailmgr/checkvpw-postsetuid', login, 0o755);
    write('bulletins/news', 'Subject: news for all\n\n');
    const first = `To: ${address('busy')}\nSubject: first\n\nhello\n`;
    expect(await host.send(address('busy'), first, joesAddress())).toMatch(/^250 ok/m);
    await arrived(box('busy'), 'Subject: first');
    await arrived(joesBox(), 'Back on Monday.');
    expect(await host.send(address('busy'), 'Subject: second\n', joesAddress())).toMatch(
      /^250 ok/m,
    );
    expect((await arrived(joesBox(), 'Subject: second')).text).toContain('failure notice');
    const heard = await pop(address('busy'), 'secret', 'TOP 1 0', 'TOP 2 0');
    expect(heard).toContain('Subject: first\r');
    expect(heard).toContain('Subject: news for all\r');
    const { out } = await host.asOwner('cat hooks; rm -r hooks .vmailmgr bulletins');
    const events = [
      'vdeliver-predeliver',
      'vdeliver-postdeliver',
      'vdeliver-predeliver',
      'checkvpw-postsetuid',
    ];
    expect(out.toString()).toBe(events.map((name) => `${name} busy ${host.owner.name}\n`).join(''));
  });

  test('S11: by the socket of vmailmgrd the owner’s password makes users, who change password, forward and vacation themselves', async () => {
    const socket = join(host.top, 'vmailmgrd/socket');
    vmailmgrd = spawn(
      join(host.home, 'bin/vmailmgrd'),
      ['--listen', `unix:${socket}`, '--user', 'nobody'],
      {
        env: host.env,
        stdio: 'ignore',
        cwd: '/',
      },
    );
    await until(
      'vmailmgrd listens',
      () =>
        readdirSync(host.top).includes('vmailmgrd') &&
        readdirSync(dirname(socket)).includes('socket'),
    );
    const ask = async (...request: string[]) => {
      const client = join(import.meta.dirname, 'lib/vmailmgrd-client.py');
      const input = JSON.stringify({ request });
      const said = await run('python3', [client, `unix:${socket}`], { input });
      expect(said.code, said.err).toBe(0);
      return JSON.parse(said.out.toString())[0];
    };
    const by = (command: string, secret: string, ...rest: string[]) =>
      ask(command, VIRTUAL_DOMAIN, 'web', secret, ...rest);
    const newUser = ['secret', 'web', 'yes'];
    expect((await by('adduser3', 'no password', ...newUser))[0]).toBe(2);
    expect((await by('adduser3', host.owner.password, ...newUser))[0]).toBe(0);
    expect(await by('chattr', 'secret', '1', 'my own')).toEqual([0, 'Password changed']);
    expect(await pop(address('web'), 'secret')).toContain('-ERR [AUTH]');
    expect(await pop(address('web'), 'my own', 'STAT')).toMatch(/^\+OK 0 0\r$/m);
    expect((await by('chattr', 'my own', '3', '1000'))[0]).toBe(2);
    expect((await by('chattr', 'my own', '2', joesAddress()))[0]).toBe(0);
    expect(
      (await by('autoresponse', 'my own', 'write', 'Subject: away\n\nOn the beach.\n'))[0],
    ).toBe(0);
    const mail = `To: ${address('web')}\nSubject: for web\n\nhello\n`;
    expect(await host.send(address('web'), mail, joesAddress())).toMatch(/^250 ok/m);
    await arrived(box('web'), 'Subject: for web');
    await arrived(joesBox(), 'On the beach.');
    await until('it is forwarded', () =>
      messagesIn(joesBox()).some(({ text }) =>
        text.includes(`Delivered-To: ${host.owner.name}-web@`),
      ),
    );
  });

  test('S16: in by SMTP, in users/NAME/new, out by POP3 and by Courier’s IMAP under each form of the name; refused with a wrong password, expired, unknown', async () => {
    await owner('vadduser me; vadduser -Q 100000 late', 'secret\nsecret\n');
    expect(await host.send(address('me'), 'Subject: the whole way\n\nhello\n')).toMatch(/^250 ok/m);
    await arrived(box('me'), 'Subject: the whole way');
    expect(readdirSync(join(box('me'), 'new'))).toHaveLength(1);
    for (const name of forms('me'))
      expect(await pop(name, 'secret', 'RETR 1'), name).toContain('Subject: the whole way\r');
    const short = await popDedicated('me', 'secret', 'RETR 1');
    expect(short).toContain('Subject: the whole way\r');
    const all = [
      ...forms('me').map((name) => imap(name, 'secret')),
      imap('me', 'secret', VIRTUAL_DOMAIN),
    ];
    expect(await Promise.all(all)).toEqual(all.map(() => '(MESSAGES 1)'));
    await owner('vchattr -e 1 late');
    const wrong = [
      [address('me'), 'wrong'],
      [address('late'), 'secret'],
      [address('nobody'), 'secret'],
      ['me@elsewhere.test', 'secret'],
    ] as const;
    for (const [name, secret] of wrong)
      expect(await pop(name, secret), name).toContain('-ERR [AUTH]');
    const refused = wrong.map(([name, secret]) => imap(name, secret));
    expect(await Promise.all(refused)).toEqual(wrong.map(() => 'refused'));
  });
});
