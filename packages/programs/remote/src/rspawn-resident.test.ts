// qmail-rspawn as a process that delivers by itself, against servers that follow a script.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpawnerProcess } from '@q/spawn/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Script } from './testing/mail-server.ts';
import { ACCEPTED, IP, RspawnTree } from './testing/rspawn-tree.ts';

/** For what a busy machine may take its time with; vi.waitFor alone gives a second. */
const LONG = { timeout: 60_000 };

let tree: RspawnTree;
beforeAll(async () => {
  tree = await RspawnTree.make();
});
afterAll(() => tree.remove());
beforeEach(() => tree.reset());
afterEach(() => tree.stop());

/** Delivers one after the other; the reports. */
async function deliverInTurn(one: SpawnerProcess, count: number): Promise<string[]> {
  const reports: string[] = [];
  for (let slot = 0; slot < count; slot++) {
    one.send(slot, '7/53', `s${slot}@client.example`, 'bob@x.example');
    reports.push(await one.report(slot));
  }
  return reports;
}

describe('the same reports, whether it delivers or runs qmail-remote:', () => {
  const scripts: Record<string, Script> = {
    'accepted.x': {},
    'accepted-by-helo.x': { EHLO: '500 what?' },
    'accepted-pipelined.x': { EHLO: '250-mx\r\n250 PIPELINING' },
    'greeting.x': { greeting: '554 go away' },
    'silence.x': { greeting: 'close' },
    'name.x': { EHLO: '502 no', HELO: '550 who?' },
    'sender-hard.x': { MAIL: '550-no\r\n550 spam' },
    'sender-soft.x': { MAIL: '451 later' },
    'recipient-hard.x': { RCPT: '550 unknown\0user' },
    'recipient-soft.x': { RCPT: '450 busy' },
    'recipient-full.x': { RCPT: '552 full' },
    'recipient-pipelined.x': { EHLO: '250-mx\r\n250 PIPELINING', RCPT: '550 no', DATA: '503 no' },
    'data-hard.x': { DATA: '554 no' },
    'data-soft.x': { DATA: '421 no' },
    'content-hard.x': { message: '554 spam \xe9' },
    'content-soft.x': { message: '451 full' },
    'nonsense.x': { MAIL: 'hello there' },
    'closed-at-recipient.x': { RCPT: 'close' },
    'closed-at-data.x': { DATA: 'close' },
    'closed-at-end.x': { message: 'close' },
  };

  async function reportsOf(env: NodeJS.ProcessEnv): Promise<string[]> {
    const one = tree.start(env);
    const routed = Object.keys(scripts).map((domain) => `bob@${domain}`);
    const others = [
      'bob@[192.0.2.300]',
      'bob@bad-route.x',
      'a\nb@accepted.x',
      '\xe9\xe9@accepted.x',
    ];
    const all = [...routed, ...others];
    for (const [slot, recipient] of all.entries()) one.send(slot, '7/53', 'ann@y', recipient);
    one.send(all.length, '7/56', '', 'bob@accepted.x');
    const reports: string[] = [];
    for (let slot = 0; slot <= all.length; slot++) reports.push(await one.report(slot));
    expect(await one.end()).toBe(0);
    return reports;
  }

  test('every outcome', async () => {
    const routes = ['bad-route.x:relay:0'];
    for (const [domain, script] of Object.entries(scripts))
      routes.push(`${domain}:${IP}:${(await tree.mailServer(script)).port}`);
    tree.control('smtproutes', routes.join('\n'));
    const env = { QMAILDNS: '127.0.0.1:9' }; // nobody answers there: what has no route is put off
    const resident = await reportsOf(env);
    tree.control('remoteworkers', '0');
    expect(resident).toEqual(await reportsOf(env));
    expect(resident.slice(0, 3)).toEqual([ACCEPTED, ACCEPTED, ACCEPTED]);
    expect(resident.filter((report) => /crashed|unable to run/i.test(report))).toEqual([]);
  });
});

describe('a connection', () => {
  test('carries one message after the other, and ends with QUIT', async () => {
    const { server, rspawn } = await tree.started();
    expect(await deliverInTurn(rspawn, 5)).toEqual(Array(5).fill(ACCEPTED));
    expect(server.connections()).toBe(1);
    expect(server.messages.length).toBe(5);
    expect(await rspawn.end()).toBe(0);
    await vi.waitFor(() => expect(server.heard.at(-1)).toBe('QUIT'), LONG);
  });

  test('is ended by itself when it has been idle for some seconds', async () => {
    const { server, rspawn } = await tree.started();
    await deliverInTurn(rspawn, 1);
    expect(server.active()).toBe(1);
    await vi.waitFor(() => expect(server.active()).toBe(0), LONG);
    expect(server.heard.at(-1)).toBe('QUIT');
  });

  test('is cleared by RSET after a message that was refused', async () => {
    const { server, rspawn } = await tree.started({ RCPT: '550 no', message: '554 spam' });
    await deliverInTurn(rspawn, 2);
    expect(server.heard).toEqual([
      'EHLO client.example',
      'MAIL FROM:<s0@client.example> SIZE=21',
      'RCPT TO:<bob@x.example>',
      'RSET',
      'MAIL FROM:<s1@client.example> SIZE=21',
      'RCPT TO:<bob@x.example>',
    ]);
  });

  const second = (reply: string, usual: string) => ({
    answer: ({ inConnection }: { inConnection: number }) => (inConnection === 2 ? reply : usual),
  });
  test.each<[string, Script]>([
    ['says 421 to the next MAIL', { MAIL: second('421 enough', '250 ok').answer }],
    ['says 451 to the next MAIL', { MAIL: second('451 enough', '250 ok').answer }],
    ['says 421 and hangs up', { MAIL: second('421 enough+close', '250 ok').answer }],
    ['hangs up at the next MAIL', { MAIL: second('close', '250 ok').answer }],
    ['hangs up at the next RCPT', { RCPT: second('close', '250 ok').answer }],
    ['puts off the next RCPT', { RCPT: second('452 enough', '250 ok').answer }],
    ['hangs up at the next DATA', { DATA: second('close', '354 go').answer }],
    ['refuses the next DATA', { DATA: second('554 enough', '354 go').answer }],
    ['hangs up while idle', { message: () => '250 ok 123 qp 456+close' }],
    ['says goodbye while idle', { message: () => '250 ok 123 qp 456\r\n421 bye' }],
    ['does not like RSET', { RCPT: second('250 ok', '550 no').answer, RSET: '500 what?' }],
  ])('whose server %s is replaced, and nobody hears of it', async (_name, script) => {
    const { server, rspawn } = await tree.started(script);
    const reports = await deliverInTurn(rspawn, 2);
    expect(reports[1]).toBe(reports[0]);
    expect(server.connections()).toBe(2);
  });

  test('that breaks after the final dot is a failure that is told: nothing is sent twice', async () => {
    const answer = second('close', '250 ok 123 qp 456').answer;
    const { server, rspawn } = await tree.started({ message: answer });
    expect(await deliverInTurn(rspawn, 2)).toEqual([
      ACCEPTED,
      `ZConnected to ${IP} but connection died. Possible duplicate! (#4.4.2)\n`,
    ]);
    expect(server.messages.length).toBe(2);
  });
});

test('a qmail-remote that is not ours is run, as soon as it is there', async () => {
  const { rspawn } = await tree.started();
  await deliverInTurn(rspawn, 1);
  const own = mkdtempSync(join(tmpdir(), 'rspawn-path-'));
  chmodSync(own, 0o755);
  writeFileSync(join(own, 'qmail-remote'), '#!/bin/sh\nprintf "r\\0Kmine\\n\\0"\n', {
    mode: 0o755,
  });
  const other = tree.start({ PATH: `${own}:${process.env.PATH}` });
  expect(await deliverInTurn(other, 1)).toEqual(['Kmine\n']);
  rmSync(join(own, 'qmail-remote'));
  await vi.waitFor(async () => {
    const slot = other.seen.length;
    other.send(slot, '7/53', 'a@y', 'bob@x.example');
    expect(await other.report(slot)).toBe(ACCEPTED);
  }, LONG);
  rmSync(own, { recursive: true });
  rspawn.kill();
});
