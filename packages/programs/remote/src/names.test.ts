import { afterEach, expect, test } from 'vitest';
import { openNames } from './names.ts';
import { type NameServer, startNameServer, type Zone } from './testing/name-server.ts';

let server: NameServer | undefined;
afterEach(() => server?.close());

async function names(zones: Readonly<Record<string, Zone>>) {
  server = await startNameServer(zones);
  return openNames(server.address);
}

test('a domain that is another name has the exchangers of the one it stands for', async () => {
  const { exchangersOf } = await names({
    'alias.example': { cname: 'real.example' },
    'real.example': { mx: [[10, 'mx.example']] },
  });
  expect(await exchangersOf('alias.example')).toEqual([{ exchange: 'mx.example', priority: 10 }]);
});

test('an exchanger that is another name has its addresses, of both families', async () => {
  const { addressesOf } = await names({
    'mx.example': { cname: 'host.example' },
    'host.example': { addresses: ['2001:db8::25', '192.0.2.25', '192.0.2.26'] },
  });
  expect(await addressesOf('mx.example')).toEqual(['192.0.2.25', '192.0.2.26', '2001:db8::25']);
});

test('an answer that is too long for a datagram is asked for by TCP', async () => {
  const mx = Array.from(
    { length: 60 },
    (_, i) => [i, `mx${i}.a-rather-long-name.example`] as const,
  );
  const { exchangersOf } = await names({ 'long.example': { mx, long: true } });
  const found = await exchangersOf('long.example');
  expect(found.length).toBe(60);
  expect(found).toContainEqual({ exchange: 'mx59.a-rather-long-name.example', priority: 59 });
  expect(server?.asked).toEqual(['15 long.example', '15 long.example']);
});

test('a name that stands for nothing has no exchangers and no addresses', async () => {
  const { exchangersOf, addressesOf } = await names({ 'alias.example': { cname: 'gone.example' } });
  expect(await exchangersOf('alias.example')).toEqual([]);
  expect(await addressesOf('alias.example')).toEqual([]);
});
