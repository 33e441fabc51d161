// authvmailmgr in a chain of modules as old Courier-IMAP builds one, vauthenticate, and what vmail-authd does about
// guessing: as built.

import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { killQuietly, until } from './lib/processes.ts';
import { isRoot, run } from './lib/run.ts';
import {
  collect,
  DOMAIN,
  makeVirtualDomain,
  type Said,
  type VirtualDomain,
} from './lib/virtual-domain.ts';

let domain: VirtualDomain;

beforeEach(async () => {
  domain = await makeVirtualDomain('authvmailmgr-');
  expect(await domain.tool('vadduser', ['ann'], 'secret\n')).toMatchObject({ code: 0 });
});
afterEach(() => domain.remove());

/** Shows who it was executed as, and what is left on descriptor 3. */
const NEXT = [
  '/bin/sh',
  '-c',
  'echo "$1 uid=$(id -u) cwd=$(pwd) auth=$AUTHENTICATED addr=$AUTHADDR maildir=$MAILDIR vuser=$VUSER"; cat <&3 2>/dev/null',
  'sh',
];

function chain(request: string, env: NodeJS.ProcessEnv = {}): Promise<Said> {
  const child = spawn(join(DIST, 'authvmailmgr'), [...NEXT, 'next'], {
    env: { PATH: domain.env.PATH, QMAILHOME: domain.qmail, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    cwd: '/',
  });
  const third = child.stdio[3] as Writable;
  third.on('error', () => {});
  third.end(Buffer.from(request, 'latin1'));
  return collect(child);
}

const login = (user: string, password: string) => `imap\nlogin\n${user}\n${password}\n`;
/** imaplogin as it tells the modules where it is. */
const again = {
  AUTHUSER: '/bin/echo',
  AUTHARGC: '3',
  AUTHARGV0: 'imaplogin',
  AUTHARGV1: 'login',
  AUTHARGV2: 'again',
};

describe('authvmailmgr', () => {
  test('becomes the next program as the owner, in the home, when the password is right', async () => {
    const said = await chain(login(`ANN@${DOMAIN}`, 'secret'));
    // The request is not left open for the program to read.
    expect(said.err).toContain('Bad file descriptor');
    expect(said.out).toBe(
      `next uid=${domain.uid} cwd=${domain.home} auth=ann addr=ann maildir=./users/ann vuser=ann\n`,
    );
  });

  test('starts the login program again, with the rights it had, when it is wrong', async () => {
    const wrong = [login(`ann@${DOMAIN}`, 'wrong'), login(`nobody@${DOMAIN}`, 'secret')];
    const unsupported = ['imap\ncram-md5\nYQ==\nYQ==\n', login(`ann@${DOMAIN}`, ''), 'imap\n'];
    for (const request of [...wrong, ...unsupported])
      expect(await chain(request, again)).toMatchObject({ out: 'login again\n', code: 0 });
    expect(await chain(login(`ann@${DOMAIN}`, 'wrong'))).toEqual({
      code: 1,
      out: '',
      err: 'AUTHFAILURE\n',
    });
    expect(await chain('')).toMatchObject({ code: 1, err: 'AUTHFAILURE\n' });
  });

  test('leaves who is no virtual user to the next module, with the same request', async () => {
    const request = login('somebody@elsewhere.test', 'secret');
    const { out } = await chain(request);
    expect(out).toBe(
      `next uid=${process.getuid?.()} cwd=/ auth= addr= maildir= vuser=\n${request}`,
    );
  });

  test('hands on at once who is known already', async () => {
    const { out } = await chain('', { AUTHENTICATED: 'joe' });
    expect(out).toContain('auth=joe');
  });

  test('tells the domain’s hook of a failed login, as the owner', async () => {
    const seen = join(domain.home, 'seen');
    domain.write(
      join(domain.home, '.vmailmgr/authvmailmgr-loginfail'),
      `#!/bin/sh\necho "$VUSER $(id -u) $AUTHVMAILMGR_ERROR" >${seen}\n`,
      0o755,
    );
    await chain(login(`ann@${DOMAIN}`, 'wrong'), again);
    expect(readFileSync(seen, 'utf8')).toBe(`ann ${domain.uid} Invalid or incorrect password\n`);
  });
});

describe('vauthenticate', () => {
  const ask = (input: string) =>
    run(join(DIST, 'vauthenticate'), [], {
      input,
      env: { PATH: domain.env.PATH, QMAILHOME: domain.qmail },
      cwd: '/',
    });

  test('says whose mailbox it is', async () => {
    const lines = `UID=${domain.uid}\nGID=${domain.gid}\nUSER=owner\nHOME=${domain.home}\nMAILDIR=./users/ann\nVUSER=ann\n`;
    for (const input of [
      `${DOMAIN}\0ann\0secret\0`,
      `${DOMAIN}\0ann\0secret`,
      `\0ann@${DOMAIN}\0secret\0`,
    ]) {
      const { code, out } = await ask(input);
      expect([code, out.toString()]).toEqual([0, lines]);
    }
  });

  test('refuses with 1, and bad input with 2', async () => {
    const refusals = [`${DOMAIN}\0ann\0wrong\0`, `${DOMAIN}\0nobody\0secret\0`, 'no.test\0a\0b\0'];
    for (const input of [...refusals, `x\0ann@${DOMAIN}\0secret\0`, `${DOMAIN}\0ann\0`]) {
      const { code, out, err } = await ask(input);
      expect([code, out.toString(), err]).toEqual([1, '', '']);
    }
    for (const input of ['', 'a', 'a\0', 'a\0b\0c\0d\0', `a\0b\0${'c'.repeat(600)}\0`])
      expect((await ask(input)).code).toBe(2);
  });

  test.runIf(isRoot)('reads the table as its owner (needs root)', async () => {
    writeFileSync(join(domain.home, 'passwd.cdb'), 'this is no table');
    expect((await ask(`${DOMAIN}\0ann\0secret\0`)).code).toBe(111);
  });
});

describe('vmail-authd', () => {
  test('an address that guesses takes turns with itself or is hung up on; from another the user gets in', async () => {
    chmodSync(join(domain.home, '..'), 0o755);
    const socket = join(domain.home, '../run/socket');
    const words = [
      '--listen',
      `unix:${socket}`,
      '--mode',
      '666',
      ...(isRoot ? ['--user', 'nobody'] : []),
    ];
    const service = spawn(join(DIST, 'vmail-authd'), words, {
      env: { PATH: domain.env.PATH, QMAILHOME: domain.qmail },
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
    });
    let log = '';
    service.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString('latin1');
    });
    const over = new Promise((resolve) => service.once('exit', resolve));
    const ask = (ip: string, user: string, password: string) => {
      const request = login(`${user}@${DOMAIN}`, password);
      return answerOf(socket, `TCPREMOTEIP=${ip}\nAUTH ${request.length}\n${request}`);
    };
    try {
      await until('the service listens', () => {
        if (service.exitCode !== null) throw new Error(`vmail-authd ended: ${log}`);
        return log.includes('listening on');
      });
      for (let guess = 0; guess < 4; guess++)
        expect(await ask('192.0.2.66', `user${guess}`, 'guess')).toBe('FAIL\n');
      const guesses = Array.from({ length: 40 }, (_, i) => ask('192.0.2.66', 'ann', `guess${i}`));
      expect(await ask('198.51.100.1', 'ann', 'secret')).toContain(`\nADDRESS=ann@${DOMAIN}\n`);
      const answers = await Promise.all(guesses);
      expect(answers.filter((answer) => answer === '').length).toBeGreaterThan(20);
      expect(answers.filter((answer) => answer !== '' && answer !== 'FAIL\n')).toEqual([]);
      expect(log).toContain(`login refused ip=192.0.2.66 user="ann@${DOMAIN}"\n`);
    } finally {
      killQuietly(service.pid as number, 'SIGTERM');
      await over;
    }
  });
});

/** All that is answered to one request before the other side hangs up. */
function answerOf(socket: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket);
    let heard = '';
    connection.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
    });
    connection.once('error', reject);
    connection.once('close', () => resolve(heard));
    connection.write(Buffer.from(request, 'latin1'));
  });
}
