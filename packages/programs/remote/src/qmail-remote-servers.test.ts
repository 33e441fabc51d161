// qmail-remote as a process: which server it goes to, from which address, and what it refuses before.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startNameServer } from './testing/name-server.ts';
import { RemoteTree } from './testing/remote-tree.ts';

const hasIPv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

let tree: RemoteTree;
beforeAll(async () => {
  tree = await RemoteTree.make();
});
afterAll(() => tree.remove());
afterEach(() => tree.closeServers());

describe('before any server is asked', () => {
  test('a message without a last newline cannot be said', async () => {
    const expected = 'DSMTP cannot transfer messages with partial final lines. (#5.6.2)\n';
    const { reports, server } = await tree.sendTo({}, { message: 'Subject: x\n\nhalf' });
    expect(reports).toEqual([expected]);
    expect(server.connections()).toBe(0);
    const piped = await tree.sendTo({}, { message: 'Subject: x\n\nhalf', throughPipe: true });
    expect(piped.reports).toEqual(['r', expected]);
    expect(piped.server.messages).toEqual([]);
  });

  test('an address with a line break in it never gets out', async () => {
    for (const attempt of [
      { sender: 'a@b>\r\nRCPT TO:<victim@x.example' },
      { recipients: ['"a\nDATA"@x.example'] },
    ]) {
      const { reports, server } = await tree.sendTo({}, attempt);
      expect(reports[0]).toMatch(/^DSorry, I can't send to or from/);
      expect(server.heard).toEqual([]);
    }
  });

  test('a wrong call, and controls that cannot be read, are told', async () => {
    expect(await tree.send({ args: ['x.example', 'ann@client.example'] })).toEqual([
      'DI (qmail-remote) was invoked improperly. (#5.3.5)\n',
    ]);
    tree.control('me', undefined);
    expect(await tree.send()).toEqual(['ZUnable to read control files. (#4.3.0)\n']);
    tree.control('me', 'client.example');
    expect(await tree.send({ env: { QMAILHOME: '/no/such/home' } })).toEqual([
      'ZUnable to switch to home directory. (#4.3.0)\n',
    ]);
  });

  test('mail for ourselves is a loop', async () => {
    tree.control('smtproutes', undefined);
    const names = await startNameServer({ 'x.example': { addresses: ['127.0.0.1'] } });
    tree.keep(names);
    for (const host of ['x.example', '[127.0.0.1]', '[IPv6:::1]', '0.0.0.0']) {
      expect(await tree.send({ host, env: { QMAILDNS: names.address } })).toEqual([
        "DSorry. Although I'm listed as a best-preference MX or A for that host,\n" +
          "it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)\n",
      ]);
    }
  });

  test('names that are not there bounce, names that cannot be asked for wait', async () => {
    tree.control('smtproutes', undefined);
    const names = await startNameServer({ 'soft.example': { failure: 2 } });
    tree.keep(names);
    const env = { QMAILDNS: names.address };
    expect(await tree.send({ env })).toEqual([
      "DSorry, I couldn't find any host named x.example. (#5.1.2)\n",
    ]);
    expect(await tree.send({ host: 'soft.example', env })).toEqual([
      "ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
    ]);
  });
});

describe('control/bindroutes', () => {
  afterEach(() => tree.control('bindroutes', undefined));

  test('names the address from which mail for a domain goes out', async () => {
    tree.control('bindroutes', 'x.example:127.0.0.9,[::1]');
    expect((await tree.sendTo({})).server.peers()).toEqual(['127.0.0.9']);
    tree.control('bindroutes', ':127.0.0.8\n.example:127.0.0.7');
    expect((await tree.sendTo({})).server.peers()).toEqual(['127.0.0.7']);
    tree.control('bindroutes', 'other.example:127.0.0.9');
    expect((await tree.sendTo({})).server.peers()).toEqual(['127.0.0.1']);
  });

  test('holds mail back when its address is none, or none of ours', async () => {
    tree.control('bindroutes', 'x.example:mail.example');
    expect((await tree.sendTo({})).reports).toEqual(['Zbad bindroute: mail.example\n']);
    tree.control('bindroutes', 'x.example:192.0.2.77');
    expect((await tree.sendTo({})).reports).toEqual([
      "ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n",
    ]);
  });
});

describe('of several servers', () => {
  const relay = { addresses: ['127.0.0.2', '127.0.0.3'] };

  test('the next is tried when one cannot be reached, refuses to greet, or hangs up', async () => {
    const good = await tree.mailServer({}, '127.0.0.3');
    tree.control('smtproutes', `x.example:relay.example:${good.port}`);
    const names = await startNameServer({ 'relay.example': relay });
    tree.keep(names);
    const env = { QMAILDNS: names.address };
    const accepted = ['r', 'K127.0.0.3 accepted message.\nRemote host said: 250 ok 123 qp 456\n'];
    expect(await tree.send({ env })).toEqual(accepted);
    for (const greeting of ['421 busy', '554 no', 'close']) {
      const bad = await tree.mailServer({ greeting }, '127.0.0.2', good.port);
      expect(await tree.send({ env })).toEqual(accepted);
      expect(bad.connections()).toBe(1);
      bad.close();
    }
  });

  test('what the last one said is told when none takes it', async () => {
    const last = await tree.mailServer({ greeting: '554 last' }, '127.0.0.3');
    await tree.mailServer({ greeting: '421 first' }, '127.0.0.2', last.port);
    tree.control('smtproutes', `x.example:relay.example:${last.port}`);
    const names = await startNameServer({ 'relay.example': relay });
    tree.keep(names);
    expect(await tree.send({ env: { QMAILDNS: names.address } })).toEqual([
      'ZConnected to 127.0.0.3 but greeting failed.\nRemote host said: 554 last\n',
    ]);
  });

  test.runIf(hasIPv6)('one over IPv6 is as good as any (needs ::1)', async () => {
    const server = await tree.mailServer({}, '::1');
    tree.control('smtproutes', `x.example:[::1]:${server.port}`);
    expect((await tree.send()).at(-1)).toBe(
      'K::1 accepted message.\nRemote host said: 250 ok 123 qp 456\n',
    );
  });

  test('one found by another name of it: recipients keep the domain that they have', async () => {
    const server = await tree.mailServer({}, '127.0.0.2');
    tree.control('smtproutes', `x.example:relay.example:${server.port}`);
    const names = await startNameServer({
      'relay.example': { cname: 'real.example' },
      'real.example': { addresses: ['127.0.0.2'] },
      'x.example': { cname: 'real.example' },
    });
    tree.keep(names);
    expect((await tree.send({ env: { QMAILDNS: names.address } })).at(-1)).toMatch(
      /^K127\.0\.0\.2/,
    );
    expect(server.heard).toContainEqual(expect.stringMatching(/^RCPT TO:<[^>]*@x\.example>/));
  });

  test('nobody there means later', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as { port: number };
    closed.close();
    tree.control('smtproutes', `x.example:127.0.0.1:${port}`);
    expect(await tree.send()).toEqual([
      "ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n",
    ]);
  });

  test('one that has timed out twice lately is not asked', async () => {
    const table = Buffer.alloc(1024);
    table.set([127, 0, 0, 1, 2]);
    table.writeUInt32LE(Math.floor(Date.now() / 1000), 8);
    tree.table(table);
    const { reports, server } = await tree.sendTo({});
    expect(reports).toEqual(["ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"]);
    expect(server.connections()).toBe(0);
    table.writeUInt32LE(1, 8);
    tree.table(table);
    expect((await tree.sendTo({})).reports.at(-1)).toMatch(/^K/);
    expect(readFileSync(join(tree.home, 'queue/lock/tcpto'))[4]).toBe(0);
  });
});
