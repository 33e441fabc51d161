import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Resident } from './resident.ts';
import { Shares } from './shares.ts';
import { type MailServer, startMailServer } from './testing/mail-server.ts';

let dir: string;
let messageFd: number;
let server: MailServer;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'resident-'));
  writeFileSync(join(dir, 'message'), 'body\n');
  messageFd = openSync(join(dir, 'message'), 'r');
  server = await startMailServer();
});
afterEach(() => {
  server.close();
  closeSync(messageFd);
  rmSync(dir, { recursive: true });
});

test('a delivery that meets a bug of ours is deferred as a crash, and the others go on', async () => {
  const alerts: unknown[] = [];
  const resident = new Resident({
    settings: () => ({
      helo: 'client.example',
      smtproutes: {
        get: (domain) => (domain === 'good.x' ? `127.0.0.1:${server.port}` : undefined),
        has: () => true,
      },
      qmtproutes: undefined,
      bindroutes: undefined,
      connectSeconds: 10,
      replySeconds: 10,
      recipientsMax: 100,
    }),
    source: {
      names: {
        exchangersOf: async () => {
          throw new TypeError('a bug');
        },
        addressesOf: async () => [],
        relayAddressesOf: async () => [],
      },
      isOwn: () => false,
    },
    timeouts: {
      skips: async (address) => {
        if (address === '127.0.0.66') throw new RangeError('another');
        return false;
      },
      note: async () => {},
    },
    slots: 20,
    alert: (error) => alerts.push(error),
  });
  const deliver = (domain: string) =>
    resident.deliver({ sender: 'a@y', recipient: `b@${domain}`, messageFd }, domain);
  const reports = await Promise.all(
    ['bad.x', 'good.x', '[127.0.0.66]', 'good.x'].map((domain) => deliver(domain)),
  );
  resident.close();
  expect(reports.map((report) => report.split('\n')[0])).toEqual([
    'Zqmail-remote crashed.',
    'K127.0.0.1 accepted message.',
    'Zqmail-remote crashed.',
    'K127.0.0.1 accepted message.',
  ]);
  expect(alerts.map(String)).toEqual(['TypeError: a bug', 'RangeError: another']);
});

test('a destination has three quarters of the slots, and who leaves lets the next one in', async () => {
  const shares = new Shares({ slots: 4, crowded: () => false });
  const order: number[] = [];
  for (const n of [1, 2, 3, 4, 5]) void shares.enter('a').then(() => order.push(n));
  await shares.enter('b');
  expect(order).toEqual([1, 2, 3]);
  shares.leave('a');
  await vi.waitFor(() => expect(order).toEqual([1, 2, 3, 4]), { timeout: 60_000 });
});

test('a delivery beyond the share is put off when it has waited and all slots are taken', async () => {
  let crowded = false;
  const shares = new Shares({ slots: 1, crowded: () => crowded, holdMs: 20, checkMs: 5 });
  await shares.enter('a');
  let outcome = '';
  const waiting = shares.enter('a').catch((error: Error) => {
    outcome = error.message;
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(outcome).toBe('');
  crowded = true;
  await waiting;
  expect(outcome).toMatch(/too many deliveries to that host are already waiting/);
  shares.leave('a');
  await shares.enter('a');
});
