// qmail-rspawn as a process: recipients that go together, and destinations that share.

import { once } from 'node:events';
import { createServer } from 'node:net';
import type { SpawnerProcess } from '@q/spawn/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { MailServer, Script } from './testing/mail-server.ts';
import { ACCEPTED, IP, RspawnTree } from './testing/rspawn-tree.ts';

let tree: RspawnTree;
beforeAll(async () => {
  tree = await RspawnTree.make();
});
afterAll(() => tree.remove());
beforeEach(() => tree.reset());
afterEach(() => tree.stop());

const mails = ({ heard }: MailServer) => heard.filter((line) => line.startsWith('MAIL')).length;

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
    const { server, rspawn } = await tree.started({
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
    const { server, rspawn } = await tree.started();
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
    const { server, rspawn } = await tree.started(script);
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
    const { server, rspawn } = await tree.started({
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
    tree.control('remoterecipients', '1');
    const { server, rspawn } = await tree.started();
    sendAll(rspawn, 5);
    expect(await reports(rspawn, 5)).toEqual(Array(5).fill(ACCEPTED));
    expect(server.messages.length).toBe(5);
  });
});

describe('a host that does not answer', () => {
  test('gets no more than its share of the connections; mail for others flows', async () => {
    tree.control('concurrencyremote', '8');
    let held = 0;
    const hanging = createServer(() => {
      held++;
    }).listen(0, IP);
    tree.keep(hanging);
    await once(hanging, 'listening');
    const good = await tree.mailServer();
    const { port } = hanging.address() as { port: number };
    tree.control('smtproutes', `hanging.x:${IP}:${port}\ngood.x:${IP}:${good.port}`);
    const one = tree.start();
    for (let slot = 0; slot < 7; slot++) one.send(slot, '7/53', `s${slot}@y`, 'bob@hanging.x');
    for (let slot = 7; slot < 12; slot++) {
      one.send(slot, '7/53', `s${slot}@y`, 'bob@good.x');
      expect(await one.report(slot)).toBe(ACCEPTED);
    }
    await vi.waitFor(() => expect(held).toBe(6), { timeout: 60_000 });
    expect(one.seen.length).toBe(5);
  });
});
