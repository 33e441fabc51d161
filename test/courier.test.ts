// Debian's own Courier, with our virtual users: its login programs, IMAP and POP3 servers find them through
// vmail-authd, and through its authdaemond with authvmailmgr-pipe, and read what vdeliver delivered.
//
// Needs root (mount namespaces) and Courier unpacked: test/lib/unpack-courier.sh, which .ci/run calls.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { killQuietly, until } from './lib/processes.ts';
import { isRoot, type Ran, run } from './lib/run.ts';
import { DOMAIN, makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

const COURIER = process.env.QMAILTS_COURIER ?? '/var/tmp/qmail-ts-courier';
const there = existsSync(join(COURIER, 'usr/sbin/authtest'));
if (!there && process.env.QMAILTS_COMPLETE !== undefined)
  throw new Error(`Courier is not unpacked in ${COURIER}`);

const SANDBOX = join(import.meta.dirname, 'lib/courier-sandbox.sh');
const ADDRESS = `ann@${DOMAIN}`;

let domain: VirtualDomain;
let service: ChildProcess | undefined;
let log: string;

const top = (path: string) => join(domain.home, '..', path);

/** The words that run a command where Courier is installed. */
function inside(...command: readonly string[]): readonly [string, readonly string[]] {
  const words = ['--mount', '--propagation', 'private', SANDBOX, COURIER, top('etc'), top('run')];
  return ['unshare', [...words, ...command]];
}

function courier(input: string, ...command: readonly string[]): Promise<Ran> {
  const [file, words] = inside(...command);
  const env = {
    ...domain.env,
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LD_LIBRARY_PATH: '/usr/lib:/usr/lib/courier-authlib',
    TCPREMOTEIP: '127.0.0.1',
    TCPREMOTEPORT: '1',
    TCPLOCALPORT: '143',
    IMAP_CAPABILITY: 'IMAP4rev1 UIDPLUS',
    PROTOCOL: 'IMAP',
    MAILDIRPATH: 'Maildir',
  };
  return run(file, words, { input, env, cwd: '/' });
}

/** One IMAP session that waits for each answer: imaplogin loses what is typed ahead of the exec. */
async function converse(
  program: readonly string[],
  turns: readonly (readonly [say: string, until: RegExp])[],
): Promise<string> {
  const [file, words] = inside(...program);
  const child = spawn(file, words, {
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LD_LIBRARY_PATH: '/usr/lib:/usr/lib/courier-authlib',
      TCPREMOTEIP: '127.0.0.1',
      TCPREMOTEPORT: '1',
      TCPLOCALPORT: '1143',
      IMAP_CAPABILITY: 'IMAP4rev1 UIDPLUS',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
  });
  let heard = '';
  let seen = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('latin1');
  });
  child.stdin.on('error', () => {});
  const over = new Promise((resolve) => child.once('close', resolve));
  try {
    for (const [say, answer] of turns) {
      seen = heard.length;
      if (say !== '') child.stdin.write(`${say}\r\n`);
      await until(`the server answers ${say}`, () => {
        if (answer.test(heard.slice(seen)) || answer.test(heard)) return true;
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`it ended: ${heard} ${log}`);
        return false;
      }).catch((error: unknown) => {
        throw new Error(`after ${say}: ${heard} ${log}`, { cause: error });
      });
    }
  } finally {
    child.stdin.end();
    killQuietly(child.pid as number, 'SIGTERM');
    await over;
  }
  return heard;
}

async function startInside(until_: () => boolean, ...command: readonly string[]): Promise<void> {
  const [file, words] = inside(...command);
  service = spawn(file, words, {
    env: {
      PATH: `${DIST}:/usr/sbin:/usr/bin:/sbin:/bin`,
      QMAILHOME: domain.qmail,
      LD_LIBRARY_PATH: '/usr/lib:/usr/lib/courier-authlib',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
  });
  service.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString('latin1');
  });
  await until('the service listens', () => {
    if (service?.exitCode !== null) throw new Error(`it ended: ${log}`);
    return until_();
  });
}

const socket = () => top('run/courier/authdaemon/socket');

async function startAuthd(): Promise<void> {
  await startInside(
    () => log.includes('listening on'),
    process.execPath,
    join(DIST, 'vmail-authd'),
    '--user',
    'nobody',
  );
}

async function startAuthdaemond(): Promise<void> {
  writeFileSync(
    top('etc/courier/authdaemonrc'),
    'authmodulelist="authpipe"\nauthmodulelistorig="authpipe"\ndaemons=2\n' +
      'authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=""\n',
  );
  const script = `#!/bin/sh\nexec ${process.execPath} ${join(DIST, 'authvmailmgr-pipe')}\n`;
  writeFileSync(top('etc/courier/authProg'), script, { mode: 0o755 });
  await startInside(() => existsSync(socket()), '/usr/lib/courier/courier-authlib/authdaemond');
}

const forms = [
  ['vmail-authd', startAuthd],
  ['authdaemond with authvmailmgr-pipe', startAuthdaemond],
] as const;

describe.runIf(isRoot && there).each(forms)(
  'through %s (needs root and an unpacked Courier)',
  (_name, start) => {
    beforeEach(async () => {
      log = '';
      service = undefined;
      domain = await makeVirtualDomain('courier-');
      chmodSync(top(''), 0o755);
      mkdirSync(top('etc'));
      cpSync(join(COURIER, 'etc/courier'), top('etc/courier'), { recursive: true });
      mkdirSync(top('run/courier/authdaemon'), { recursive: true });
      expect(await domain.tool('vadduser', ['ann'], 'secret\n')).toMatchObject({ code: 0 });
      expect(await domain.deliver('ann')).toMatchObject({ code: 0 });
      await start();
    });
    afterEach(async () => {
      const running = service;
      if (running?.exitCode === null && running.signalCode === null) {
        const over = new Promise((resolve) => running.once('close', resolve));
        killQuietly(running.pid as number, 'SIGTERM');
        await over;
      }
      domain.remove();
    });

    test('authtest finds the user, and tells a right password from a wrong one', async () => {
      const found = await courier('', 'authtest', ADDRESS);
      expect(found.out.toString() + found.err + log).toMatch(/Authentication succeeded/);
      expect(found.out.toString()).toContain(`(uid ${domain.uid}, gid ${domain.gid})`);
      expect(found.out.toString()).toContain('Maildir: ./users/ann');
      expect((await courier('', 'authtest', ADDRESS, 'secret')).code).toBe(0);
      const wrong = await courier('', 'authtest', ADDRESS, 'wrong');
      expect(wrong.err).toContain('Authentication FAILED');
      expect((await courier('', 'authtest', `nobody@${DOMAIN}`)).err).toContain(
        'Authentication FAILED',
      );
    });

    test('imapd shows what vdeliver delivered', async () => {
      const heard = await converse(
        ['/usr/lib/courier/courier/imaplogin', '/usr/bin/imapd', 'Maildir'],
        [
          ['', /^\* OK/m],
          [`a LOGIN ${ADDRESS} secret`, /^a OK/m],
          ['b SELECT INBOX', /^b OK/m],
          ['c FETCH 1 BODY.PEEK[]', /^c OK/m],
          ['d LOGOUT', /^d OK/m],
        ],
      );
      expect(heard).toContain('* 1 EXISTS');
      expect(heard).toContain('Subject: hello');
      expect(heard).toContain(`Delivered-To: owner-ann@${DOMAIN}`);
    });

    test('pop3d gives it out', async () => {
      const heard = await converse(
        [
          '/usr/lib/courier/courier/courierpop3login',
          '/usr/lib/courier/courier/courierpop3d',
          'Maildir',
        ],
        [
          ['', /^\+OK/m],
          [`USER ${ADDRESS}`, /^\+OK Password/m],
          ['PASS secret', /^\+OK logged in/im],
          ['RETR 1', /^\.\r$/m],
        ],
      );
      expect(heard).toContain('Subject: hello');
    });

    test('authenumerate lists the users', async () => {
      const listed = await courier('', 'authenumerate');
      expect(listed.out.toString()).toContain(
        `${ADDRESS}\t${domain.uid}\t${domain.gid}\t${domain.home}\t./users/ann`,
      );
    });
  },
);
