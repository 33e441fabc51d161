// Promises of the POP3 service that only a look at the running processes can show: who they are, what two sessions
// on one maildir do to each other, and what becomes of clear text around STLS.

import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeCertificate } from '@q/tls/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOMAIN, OWNER_UID, type Pop3Host, PopClient, startPop3Host } from './lib/pop3-host.ts';
import { processesOf, until } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';

const MESSAGES = 60;

describe.runIf(installed('openssl'))('the running service', () => {
  let host: Pop3Host;
  beforeAll(async () => {
    host = await startPop3Host(isRoot ? 'root' : 'private', [], makeCertificate('mail.test'));
  });
  afterAll(() => host.remove());

  const login = (user: string) => `USER ${user}@${DOMAIN}\nPASS ${host.users[user]}\n`;
  const open = async (user: string): Promise<PopClient> => {
    const client = await PopClient.open(host.port);
    expect(await client.say(login(user), '+OK \r\n+OK \r\n')).toBe('+OK \r\n+OK \r\n');
    return client;
  };
  const names = (user: string) =>
    ['new', 'cur'].flatMap((sub) => readdirSync(join(host.maildir(user), sub)));

  test('two sessions on one maildir at once: what either marked is gone, all else is there, whole', async () => {
    for (let i = 0; i < MESSAGES; i++)
      host.put('ann', `${1000 + i}.m.h`, `Number: ${i}\n\n${'x'.repeat(i)}\n`);
    const [a, b] = [await open('ann'), await open('ann')];
    const marks = (rest: number) =>
      Array.from({ length: MESSAGES }, (_, i) => i + 1)
        .filter((number) => number % 3 === rest || number % 10 === 0)
        .map((number) => `DELE ${number}\n`)
        .join('');
    // Every tenth is marked by both.
    const said = await Promise.all([a.finish(`${marks(0)}QUIT\n`), b.finish(`${marks(1)}QUIT\n`)]);
    for (const lines of said) expect(lines).toMatch(/^(\+OK \r\n)+$/);
    const left = Array.from({ length: MESSAGES }, (_, i) => i).filter(
      (i) => (i + 1) % 3 === 2 && (i + 1) % 10 !== 0,
    );
    expect(
      names('ann')
        .map((name) => Number(name.split('.')[0]) - 1000)
        .sort((x, y) => x - y),
    ).toEqual(left);
    const c = await open('ann');
    for (const [at, i] of left.entries())
      expect(await c.say(`RETR ${at + 1}\n`, '\r\n.\r\n')).toBe(
        `+OK \r\nNumber: ${i}\r\n\r\n${'x'.repeat(i)}\r\n\r\n.\r\n`,
      );
    expect(await c.finish('QUIT\n')).toBe('+OK \r\n');
  });

  test('a message that another session removed is an error to read, and no reason not to end well', async () => {
    for (const i of [1, 2]) host.put('ben', `${i}.g.h`, `Number: ${i}\n\n`);
    const [a, b] = [await open('ben'), await open('ben')];
    expect(await b.finish('DELE 1\nQUIT\n')).toBe('+OK \r\n+OK \r\n');
    // B has moved what it left to cur, under A’s feet.
    expect(await a.say('RETR 1\n')).toMatch(/^-ERR /);
    expect(await a.say('RETR 2\n', '\r\n.\r\n')).toContain('Number: 2');
    expect(await a.finish('DELE 1\nDELE 2\nQUIT\n')).toBe('+OK \r\n+OK \r\n+OK \r\n');
    expect(names('ben')).toEqual([]);
  });

  test('a session that breaks off removes nothing, whatever it marked', async () => {
    host.put('ben', '3.k.h', 'Number: 3\n\n');
    const a = await open('ben');
    expect(await a.say('DELE 1\n')).toBe('+OK \r\n');
    const before = host.log().split('logout').length;
    a.destroy();
    await until('the session is over', () => host.log().split('logout').length > before);
    expect(names('ben')).toEqual(['3.k.h']);
  });

  test('clear text is never a command once STLS was said, in however many packets it comes', async () => {
    const strip = async (parts: readonly string[]): Promise<string> => {
      const socket = connect(host.port, '127.0.0.1');
      socket.setNoDelay(true);
      let heard = '';
      let closed = false;
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        closed = true;
      });
      await until('the greeting', () => heard.endsWith('\r\n'));
      const greeting = heard.length;
      socket.write('STLS\r\n');
      if (parts[0] === 'wait') await until('TLS may begin', () => heard.endsWith('begin TLS\r\n'));
      for (const part of parts.slice(1)) socket.write(part.replaceAll('\n', '\r\n'), 'latin1');
      socket.write('QUIT\r\n'.repeat(20));
      socket.end();
      await until('the server hangs up', () => closed);
      return heard.slice(greeting);
    };
    for (const when of ['at once', 'wait']) {
      const heard = await strip([when, login('ann'), 'STAT\nDELE 1\nQUIT\n']);
      expect(heard.startsWith('+OK begin TLS\r\n')).toBe(true);
      expect(heard.slice('+OK begin TLS\r\n'.length)).not.toContain('+OK');
    }
  });

  test.runIf(isRoot)(
    'no process but the parent can become root again, or has a group of root’s (needs root)',
    async () => {
      const client = await open('ann');
      const nobody = Number((await run('id', ['-u', 'nobody'])).out.toString());
      const seen = processesOf(host.home).map(({ pid }) => {
        const status = readFileSync(`/proc/${pid}/status`, 'latin1');
        const numbers = (name: string) =>
          (new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1] ?? '').trim().split(/\s+/);
        const cwd = readdirSync(`/proc/${pid}/cwd`).sort();
        return { uids: numbers('Uid'), gids: numbers('Gid'), groups: numbers('Groups'), cwd };
      });
      const others = seen.filter(({ uids }) => uids.some((uid) => uid !== '0'));
      expect(others.map(({ uids }) => new Set(uids).size)).toEqual([1, 1]);
      expect(others.map(({ uids }) => Number(uids[0])).sort((x, y) => x - y)).toEqual([
        OWNER_UID,
        nobody,
      ]);
      for (const { gids, groups } of others) {
        expect(new Set(gids).size).toBe(1);
        expect([...gids, ...groups]).not.toContain('0');
      }
      const worker = others.find(({ uids }) => Number(uids[0]) === OWNER_UID);
      expect(worker?.cwd).toEqual(readdirSync(join(host.home, 'joe')).sort());
      expect(await client.finish('QUIT\n')).toBe('+OK \r\n');
    },
  );
});
