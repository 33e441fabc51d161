// Exchangers and addresses, asked of a real name server on loopback.

import { Permanent, Temporary } from '@q/fault';
import { afterEach, expect, test } from 'vitest';
import { candidatesFor } from './candidates.ts';
import { ADDRESSES_MAX, EXCHANGERS_MAX } from './limits.ts';
import { openNames } from './names.ts';
import { type NameServer, startNameServer, type Zone } from './testing/name-server.ts';

let server: NameServer | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
});

async function candidates(
  zones: Record<string, Zone>,
  host: string,
  own: readonly string[] = [],
  relayed = false,
) {
  server = await startNameServer(zones);
  const found = await candidatesFor(
    { host, relayed },
    { names: openNames(server.address), isOwn: (address) => own.includes(address) },
  );
  return found.map(({ address }) => address);
}

const HOSTS = {
  'a.example': { addresses: ['192.0.2.1'] },
  'b.example': { addresses: ['2001:db8::2', '192.0.2.2'] },
  'c.example': { addresses: ['192.0.2.3', '192.0.2.33'] },
  'soft.example': { failure: 2 },
};

test('exchangers come in the order of their preference, IPv4 before IPv6', async () => {
  const zones = {
    ...HOSTS,
    'x.example': {
      mx: [
        [20, 'c.example'],
        [10, 'b.example'],
        [5, 'a.example'],
      ] as const,
    },
  };
  expect(await candidates(zones, 'x.example')).toEqual([
    '192.0.2.1',
    '192.0.2.2',
    '2001:db8::2',
    '192.0.2.3',
    '192.0.2.33',
  ]);
});

test('equals take turns', async () => {
  const mx = [
    [10, 'a.example'],
    [10, 'b.example'],
  ] as const;
  server = await startNameServer({ ...HOSTS, 'x.example': { mx } });
  const names = openNames(server.address);
  const firsts = new Set<string | undefined>();
  for (const random of [0.9, 0.1]) {
    const lots = [random, 0.5];
    const source = { names, isOwn: () => false, random: () => lots.shift() ?? 0 };
    const found = await candidatesFor({ host: 'x.example', relayed: false }, source);
    firsts.add(found[0]?.address);
  }
  expect(firsts.size).toBe(2);
});

test('a host without exchangers is its own', async () => {
  expect(await candidates(HOSTS, 'b.example')).toEqual(['192.0.2.2', '2001:db8::2']);
});

test('a literal needs no name server', async () => {
  expect(await candidates({}, '[192.0.2.9]')).toEqual(['192.0.2.9']);
  expect(await candidates({}, '[IPv6:2001:db8::9]')).toEqual(['2001:db8::9']);
});

test('a relay is asked for its addresses only, and may be ourselves', async () => {
  const zones = { 'relay.example': { ...HOSTS['a.example'], mx: [[1, 'b.example']] as const } };
  expect(await candidates(zones, 'relay.example', ['192.0.2.1'], true)).toEqual(['192.0.2.1']);
  expect(server?.asked.some((question) => question.startsWith('15 '))).toBe(false);
});

test('what does not exist bounces, with its name made harmless', async () => {
  const attempt = candidates({}, 'no\x1bsuch.example');
  await expect(attempt).rejects.toThrow(
    "Sorry, I couldn't find any host named no?such.example. (#5.1.2)",
  );
  await expect(attempt).rejects.toBeInstanceOf(Permanent);
});

test('exchangers without any address bounce, but not when one could not be asked', async () => {
  const gone = { 'x.example': { mx: [[1, 'gone.example']] as const } };
  await expect(candidates(gone, 'x.example')).rejects.toThrow(
    "Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)",
  );
  const mx = [
    [1, 'gone.example'],
    [2, 'soft.example'],
  ] as const;
  const soft = candidates({ ...HOSTS, 'x.example': { mx } }, 'x.example');
  await expect(soft).rejects.toBeInstanceOf(Temporary);
});

test('a name server that fails means later', async () => {
  const attempt = candidates(HOSTS, 'soft.example');
  await expect(attempt).rejects.toThrow("Sorry, I couldn't find any host by that name. (#4.1.2)");
  await expect(attempt).rejects.toBeInstanceOf(Temporary);
});

test('a failing exchanger is passed over for one that is there', async () => {
  const mx = [
    [1, 'soft.example'],
    [2, 'a.example'],
  ] as const;
  expect(await candidates({ ...HOSTS, 'x.example': { mx } }, 'x.example')).toEqual(['192.0.2.1']);
});

test('a null MX says that there is no mail; beside others it says nothing', async () => {
  const attempt = candidates({ 'x.example': { mx: [[0, '']] } }, 'x.example');
  await expect(attempt).rejects.toThrow('null MX. (#5.1.10)');
  await expect(attempt).rejects.toBeInstanceOf(Permanent);
  const mx = [
    [0, ''],
    [1, 'a.example'],
  ] as const;
  expect(await candidates({ ...HOSTS, 'x.example': { mx } }, 'x.example')).toEqual(['192.0.2.1']);
});

test('exchangers no better than ourselves are left out; nothing left is a loop', async () => {
  const mx = [
    [1, 'a.example'],
    [2, 'b.example'],
    [2, 'c.example'],
    [3, 'c.example'],
  ] as const;
  const zones = { ...HOSTS, 'x.example': { mx } };
  expect(await candidates(zones, 'x.example', ['192.0.2.33'])).toEqual(['192.0.2.1']);
  const loop = candidates(zones, 'x.example', ['192.0.2.1']);
  await expect(loop).rejects.toThrow("isn't in my control/locals file");
  await expect(loop).rejects.toBeInstanceOf(Permanent);
});

test('a thousand exchangers cost no more than a few', async () => {
  const zones: Record<string, Zone> = {};
  const mx: [number, string][] = [];
  for (let i = 0; i < 25; i++) {
    // As many as fit into one datagram of a test name server.
    mx.push([i, `m${i}.x`]);
    zones[`m${i}.x`] = {
      addresses: Array.from({ length: 9 }, (_, j) => `192.0.${i}.${j}`),
    };
  }
  const found = await candidates({ ...zones, 'x.example': { mx } }, 'x.example');
  expect(found.length).toBe(ADDRESSES_MAX);
  const lookups = server?.asked.filter((question) => question.startsWith('1 ')).length;
  expect(lookups).toBe(EXCHANGERS_MAX);
});
