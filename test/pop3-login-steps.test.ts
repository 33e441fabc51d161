// What the resident service does for a login beside looking at the password: the hooks of VMailMgr, old hashes,
// and what is left of it all when there is no descriptor left. With real processes; as root where tests are.

import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeCdb } from '@q/cdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { DOMAIN, OWNER_UID, type Pop3Host, PopClient, startPop3Host } from './lib/pop3-host.ts';
import { until } from './lib/processes.ts';
import { isRoot, run } from './lib/run.ts';

const GOOD = '+OK \r\n+OK \r\n+OK \r\n';
const BAD = '+OK \r\n-ERR [AUTH] authorization failed\r\n+OK \r\n';
/** MD5-crypt, as VMailMgr made it, of "password". */
const OLD_HASH = '$1$abcdefgh$G//4keteveJp0qb8z2DxG/';
const TEMPORARY = /^\+OK \r\n-ERR \[SYS\/TEMP\] .*\r\n\+OK \r\n$/;

async function session(host: Pop3Host, user: string, password: string): Promise<string> {
  const client = await PopClient.open(host.port);
  return client.finish(`USER ${user}\nPASS ${password}\nQUIT\n`);
}

describe('hooks', () => {
  let host: Pop3Host;
  let log: string;
  const ann = `ann@${DOMAIN}`;
  const parentUid = isRoot ? 0 : OWNER_UID;
  const lines = () => readFileSync(log, 'latin1').split('\n').slice(0, -1);
  beforeAll(async () => {
    host = await startPop3Host(isRoot ? 'root' : 'private');
    log = join(host.home, 'hooks.log');
    writeFileSync(log, '');
    chmodSync(log, 0o666);
    const hook = (dir: string, where: string, name: string, body = '') => {
      mkdirSync(dir, { recursive: true });
      const said = `${where} ${name} $(id -u) $USER/$VUSER [$MAILDIR] $TCPREMOTEIP $CHECKVPW_ERROR`;
      writeFileSync(join(dir, `checkvpw-${name}`), `#!/bin/sh\necho "${said}" >>${log}\n${body}\n`);
      chmodSync(join(dir, `checkvpw-${name}`), 0o755);
    };
    const fail = '[ ! -e "$HOME/fail-$VUSER" ]';
    for (const name of ['presetuid', 'postexec', 'error', 'loginfail'])
      hook(join(host.home, 'etc/vmailmgr'), 'host', name);
    for (const name of ['presetuid', 'postsetuid', 'postexec', 'error', 'loginfail'])
      hook(join(host.home, 'joe/.vmailmgr'), 'own', name, name === 'postsetuid' ? fail : '');
  });
  afterAll(() => host.remove());

  const logged = async (password: string, user = ann) => {
    writeFileSync(log, '');
    return session(host, user, password);
  };

  test('presetuid runs before the password is looked at, as the parent; the others as the owner of the mail', async () => {
    expect(await logged(host.users.ann as string)).toBe(GOOD);
    await until('the hooks after the session have run', () => lines().length === 4);
    expect(lines()).toEqual([
      `host presetuid ${parentUid} joe/ann [] 127.0.0.1 `,
      `own postsetuid ${OWNER_UID} joe/ann [./users/ann] 127.0.0.1 `,
      `host postexec ${OWNER_UID} joe/ann [./users/ann] 127.0.0.1 `,
      `own postexec ${OWNER_UID} joe/ann [./users/ann] 127.0.0.1 `,
    ]);
  });

  test('postexec runs too after a client that just went away', async () => {
    writeFileSync(log, '');
    const client = await PopClient.open(host.port);
    await client.say(`USER ${ann}\nPASS ${host.users.ann}\n`, '+OK \r\n+OK \r\n');
    expect(lines().some((line) => line.includes('postexec'))).toBe(false);
    client.destroy();
    await until(
      'postexec has run',
      () => lines().filter((l) => l.includes('postexec')).length === 2,
    );
  });

  test('a wrong password is told to loginfail, the domain’s own too; an unknown name to the host’s, as the parent', async () => {
    expect(await logged('wrong')).toBe(BAD);
    expect(lines().slice(1)).toEqual([
      `host loginfail ${OWNER_UID} joe/ann [] 127.0.0.1 Invalid or incorrect password`,
      `own loginfail ${OWNER_UID} joe/ann [] 127.0.0.1 Invalid or incorrect password`,
    ]);
    expect(await logged('x', 'no.such.user@nowhere.test')).toBe(BAD);
    expect(lines()).toEqual([
      `host loginfail ${parentUid} / [] 127.0.0.1 Invalid or unknown base user or domain`,
    ]);
  });

  test('a hook that fails puts the login off, and error is told', async () => {
    writeFileSync(join(host.home, 'joe/fail-ann'), '');
    expect(await logged(host.users.ann as string)).toMatch(TEMPORARY);
    expect(lines().slice(-2)).toEqual([
      `host error ${OWNER_UID} joe/ann [./users/ann] 127.0.0.1 Execution of checkvpw-postsetuid failed`,
      `own error ${OWNER_UID} joe/ann [./users/ann] 127.0.0.1 Execution of checkvpw-postsetuid failed`,
    ]);
    const before = join(host.home, 'etc/vmailmgr/checkvpw-presetuid');
    writeFileSync(before, '#!/bin/sh\nexit 7\n');
    expect(await logged(host.users.ben as string, `ben@${DOMAIN}`)).toMatch(TEMPORARY);
    expect(lines()).toEqual([
      `host error ${parentUid} joe/ben [] 127.0.0.1 Execution of checkvpw-presetuid failed`,
    ]);
  });
});

test('an old hash becomes a strong one at the login of its user, if so set, and not by a wrong password', async () => {
  const host = await startPop3Host(isRoot ? 'root' : 'private');
  try {
    const home = join(host.home, 'joe');
    const record = `:${OLD_HASH}:./users/ann`;
    writeFileSync(join(home, 'passwd.cdb'), encodeCdb([['ann', record]]), { mode: 0o600 });
    if (isRoot) chownSync(join(home, 'passwd.cdb'), OWNER_UID, OWNER_UID);
    const stored = async () => {
      const owner = isRoot ? { uid: OWNER_UID, gid: OWNER_UID } : {};
      const env = { PATH: process.env.PATH, QMAILHOME: host.home, HOME: home, USER: 'joe' };
      const shown = await run(join(DIST, 'dumpvuser'), ['ann'], { ...owner, cwd: home, env });
      return /^Encrypted-Password: (.*)$/m.exec(shown.out.toString('latin1'))?.[1];
    };
    expect(await session(host, `ann@${DOMAIN}`, 'password')).toBe(GOOD);
    expect(await stored()).toBe(OLD_HASH);
    mkdirSync(join(host.home, 'etc/vmailmgr'), { recursive: true });
    writeFileSync(join(host.home, 'etc/vmailmgr/rehash-passwords'), '1\n');
    expect(await session(host, `ann@${DOMAIN}`, 'wrong')).toBe(BAD);
    expect(await stored()).toBe(OLD_HASH);
    expect(await session(host, `ann@${DOMAIN}`, 'password')).toBe(GOOD);
    expect(await stored()).toMatch(/^\$(y|6)\$/);
    expect(await session(host, `ann@${DOMAIN}`, 'password')).toBe(GOOD);
  } finally {
    await host.remove();
  }
});

test('out of descriptors a login is put off, whatever there was no descriptor for, and the service goes on', async () => {
  const host = await startPop3Host(isRoot ? 'root' : 'private');
  const pid = host.service.pid as number;
  const allow = async (limit: number) => {
    const set = await run('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
    expect(set.err).toBe('');
  };
  try {
    const heard: string[] = [];
    // One descriptor more at each turn, until a login needs no more: at some turn it is the worker’s that are missing.
    for (let left = 0; left < 40 && heard.at(-1) !== GOOD; left++) {
      await allow(limitLeaving(pid, left));
      heard.push(await session(host, `ann@${DOMAIN}`, host.users.ann as string));
      expect(host.service.exitCode).toBe(null);
    }
    expect(heard.at(-1)).toBe(GOOD);
    expect(heard.length).toBeGreaterThan(1);
    for (const said of heard.slice(0, -1)) expect(said).toMatch(TEMPORARY);
    expect(host.log()).toContain('unable to start a process: out of descriptors');
    await allow(1000);
    expect(await session(host, `ben@${DOMAIN}`, host.users.ben as string)).toBe(GOOD);
  } finally {
    await host.remove();
  }
});

/** The limit under which a process can open exactly `left` more files. */
function limitLeaving(pid: number, left: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; free < left || open.has(limit); limit++) if (!open.has(limit)) free++;
  return limit;
}
