// qmail-rspawn as a process that delivers by itself, against servers that follow a script.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildExecutables, SpawnerProcess } from '@q/spawn/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MailServer, type Script, startMailServer } from './testing/mail-server.ts';

const isRoot = process.getuid?.() === 0;
/** The uid of the instance: ours, or as root an ordinary one. */
const uid = isRoot ? 47_023 : (process.getuid?.() ?? 0);
const ACCEPTED = 'K127.0.0.1 accepted message.\nRemote host said: 250 ok 123 qp 456\n';
const IP = '127.0.0.1';

let home: string;
let rspawn: SpawnerProcess | undefined;
const servers: (MailServer | Server)[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'rspawn-resident-'));
  chmodSync(home, 0o755);
  await buildExecutables(home, ['qmail-rspawn', 'qmail-remote']);
  for (const dir of ['control', 'queue', 'queue/lock', 'queue/mess', 'queue/mess/7'])
    mkdirSync(join(home, dir));
  writeFileSync(join(home, 'queue/lock/tcpto'), Buffer.alloc(1024));
  for (const name of ['53', '54', '55'])
    writeFileSync(join(home, 'queue/mess/7', name), `Subject: ${name}\n\nbody\n`);
  writeFileSync(join(home, 'queue/mess/7/56'), 'Subject: 56\n\nhalf a line');
  if (isRoot) execFileSync('chown', ['-R', `${uid}:${uid}`, home]);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(join(home, 'control'), { recursive: true });
  mkdirSync(join(home, 'control'));
  control('me', 'client.example');
});
afterEach(() => {
  rspawn?.kill();
  rspawn = undefined;
  for (const server of servers.splice(0)) server.close();
});

function control(name: string, content: string): void {
  writeFileSync(join(home, 'control', name), `${content}\n`);
}

async function start(env: NodeJS.ProcessEnv = {}): Promise<SpawnerProcess> {
  const all = { PATH: process.env.PATH, QMAILHOME: home, ...env };
  rspawn = new SpawnerProcess(join(home, 'bin/qmail-rspawn'), [], all, isRoot ? uid : undefined);
  return rspawn;
}

async function mailServer(script: Script = {}): Promise<MailServer> {
  const server = await startMailServer(script);
  servers.push(server);
  return server;
}

/** A server with that script, to which all mail goes, and qmail-rspawn. */
async function started(script: Script = {}) {
  const server = await mailServer(script);
  control('smtproutes', `:${IP}:${server.port}`);
  return { server, rspawn: await start() };
}

/** Delivers one after the other; the reports. */
async function deliverInTurn(one: SpawnerProcess, count: number): Promise<string[]> {
  const reports: string[] = [];
  for (let slot = 0; slot < count; slot++) {
    one.send(slot, '7/53', `s${slot}@client.example`, 'bob@x.example');
    reports.push(await one.report(slot));
  }
  return reports;
}

const mails = ({ heard }: MailServer) => heard.filter((line) => line.startsWith('MAIL')).length;

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
    const one = await start(env);
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
      routes.push(`${domain}:${IP}:${(await mailServer(script)).port}`);
    control('smtproutes', routes.join('\n'));
    const env = { QMAILDNS: '127.0.0.1:9' }; // nobody answers there: what has no route is put off
    const resident = await reportsOf(env);
    control('remoteworkers', '0');
    expect(resident).toEqual(await reportsOf(env));
    expect(resident.slice(0, 3)).toEqual([ACCEPTED, ACCEPTED, ACCEPTED]);
    expect(resident.filter((report) => /crashed|unable to run/i.test(report))).toEqual([]);
  });
});

describe('a connection', () => {
  test('carries one message after the other, and ends with QUIT', async () => {
    const { server, rspawn } = await started();
    expect(await deliverInTurn(rspawn, 5)).toEqual(Array(5).fill(ACCEPTED));
    expect(server.connections()).toBe(1);
    expect(server.messages.length).toBe(5);
    expect(await rspawn.end()).toBe(0);
    await vi.waitFor(() => expect(server.heard.at(-1)).toBe('QUIT'));
  });

  test('is ended by itself when it has been idle for some seconds', async () => {
    const { server, rspawn } = await started();
    await deliverInTurn(rspawn, 1);
    expect(server.active()).toBe(1);
    await vi.waitFor(() => expect(server.active()).toBe(0), { timeout: 15_000 });
    expect(server.heard.at(-1)).toBe('QUIT');
  });

  test('is cleared by RSET after a message that was refused', async () => {
    const { server, rspawn } = await started({ RCPT: '550 no', message: '554 spam' });
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
    const { server, rspawn } = await started(script);
    const reports = await deliverInTurn(rspawn, 2);
    expect(reports[1]).toBe(reports[0]);
    expect(server.connections()).toBe(2);
  });

  test('that breaks after the final dot is a failure that is told: nothing is sent twice', async () => {
    const answer = second('close', '250 ok 123 qp 456').answer;
    const { server, rspawn } = await started({ message: answer });
    expect(await deliverInTurn(rspawn, 2)).toEqual([
      ACCEPTED,
      `ZConnected to ${IP} but connection died. Possible duplicate! (#4.4.2)\n`,
    ]);
    expect(server.messages.length).toBe(2);
  });
});

describe('the recipients of one message', () => {
  /** A word with each recipient's number; qmail-send would number them so. */
  function sendAll(one: SpawnerProcess, count: number, message = '7/53'): void {
    for (let slot = 0; slot < count; slot++)
      one.send(slot, message, 'list@client.example', `r${slot}@x.example`);
  }
  async function reports(one: SpawnerProcess, count: number): Promise<string[]> {
    const all: string[] = [];
    for (let slot = 0; slot < count; slot++) all.push(await one.report(slot));
    return all;
  }

  test('go out together, and each has its own report', async () => {
    const { server, rspawn } = await started({
      'RCPT TO:<r3@x.example>': '550 unknown',
      'RCPT TO:<r5@x.example>': '450 busy',
    });
    sendAll(rspawn, 40);
    const all = await reports(rspawn, 40);
    for (const [slot, report] of all.entries()) {
      if (slot === 3)
        expect(report).toBe(
          `D${IP} does not like recipient.\nRemote host said: 550 unknown\nGiving up on ${IP}.\n`,
        );
      else if (slot === 5)
        expect(report).toBe(
          `Z${IP} does not like recipient.\nRemote host said: 450 busy\nGiving up on ${IP}.\n`,
        );
      else expect(report).toBe(ACCEPTED);
    }
    expect(server.messages.length).toBeLessThanOrEqual(5);
  });

  test('of other messages and senders do not', async () => {
    const { server, rspawn } = await started();
    rspawn.send(0, '7/53', 'a@y', 'r0@x.example');
    rspawn.send(1, '7/54', 'a@y', 'r1@x.example');
    rspawn.send(2, '7/53', 'b@y', 'r2@x.example');
    expect(await reports(rspawn, 3)).toEqual([ACCEPTED, ACCEPTED, ACCEPTED]);
    expect(server.messages.length).toBe(3);
  });

  test.each<[string, Script]>([
    ['two at a time', { RCPT: ({ inTransaction }) => (inTransaction > 2 ? '452 many' : '250 ok') }],
    [
      'one, and for more 552',
      { RCPT: ({ inTransaction }) => (inTransaction > 1 ? '552 no' : '250') },
    ],
    [
      'one, and hangs up',
      { RCPT: ({ inTransaction }) => (inTransaction > 1 ? 'close' : '250 ok') },
    ],
  ])('all arrive at a server that takes %s', async (_name, script) => {
    const { server, rspawn } = await started(script);
    sendAll(rspawn, 20);
    expect(await reports(rspawn, 20)).toEqual(Array(20).fill(ACCEPTED));
    const before = server.heard.length;
    // Once learnt it asks no more than that.
    for (let slot = 20; slot < 40; slot++) rspawn.send(slot, '7/54', 'l@y', `r${slot}@x.example`);
    for (let slot = 20; slot < 40; slot++) expect(await rspawn.report(slot)).toBe(ACCEPTED);
    const asked = server.heard.slice(before).filter((line) => line.startsWith('RCPT'));
    expect(asked.length).toBeLessThanOrEqual(22);
  });

  test('are asked for one by one when the whole is refused', async () => {
    const several = { several: false };
    const { server, rspawn } = await started({
      RCPT: ({ inTransaction }) => {
        several.several = inTransaction > 1;
        return '250 ok';
      },
      message: () => (several.several ? '554 not for all of them' : '250 ok 123 qp 456'),
    });
    sendAll(rspawn, 6);
    expect(await reports(rspawn, 6)).toEqual(Array(6).fill(ACCEPTED));
    expect(mails(server)).toBeLessThanOrEqual(8);
  });

  test('stay apart if control/remoterecipients is 1', async () => {
    control('remoterecipients', '1');
    const { server, rspawn } = await started();
    sendAll(rspawn, 5);
    expect(await reports(rspawn, 5)).toEqual(Array(5).fill(ACCEPTED));
    expect(server.messages.length).toBe(5);
  });
});

describe('a host that does not answer', () => {
  test('gets no more than its share of the connections; mail for others flows', async () => {
    control('concurrencyremote', '8');
    let held = 0;
    const hanging = createServer(() => {
      held++;
    }).listen(0, IP);
    servers.push(hanging);
    await vi.waitFor(() => expect(hanging.address()).not.toBeNull());
    const good = await mailServer();
    const { port } = hanging.address() as { port: number };
    control('smtproutes', `hanging.x:${IP}:${port}\ngood.x:${IP}:${good.port}`);
    const one = await start();
    for (let slot = 0; slot < 7; slot++) one.send(slot, '7/53', `s${slot}@y`, 'bob@hanging.x');
    for (let slot = 7; slot < 12; slot++) {
      one.send(slot, '7/53', `s${slot}@y`, 'bob@good.x');
      expect(await one.report(slot)).toBe(ACCEPTED);
    }
    await vi.waitFor(() => expect(held).toBe(6));
    expect(one.seen.length).toBe(5);
  });
});

test('a qmail-remote that is not ours is run, as soon as it is there', async () => {
  const { rspawn } = await started();
  await deliverInTurn(rspawn, 1);
  const own = mkdtempSync(join(tmpdir(), 'rspawn-path-'));
  chmodSync(own, 0o755);
  writeFileSync(join(own, 'qmail-remote'), '#!/bin/sh\nprintf "r\\0Kmine\\n\\0"\n', {
    mode: 0o755,
  });
  const other = await start({ PATH: `${own}:${process.env.PATH}` });
  expect(await deliverInTurn(other, 1)).toEqual(['Kmine\n']);
  rmSync(join(own, 'qmail-remote'));
  await vi.waitFor(
    async () => {
      const slot = other.seen.length;
      other.send(slot, '7/53', 'a@y', 'bob@x.example');
      expect(await other.report(slot)).toBe(ACCEPTED);
    },
    { timeout: 10_000 },
  );
  rmSync(own, { recursive: true });
  rspawn.kill();
});
