import { PassThrough, Writable } from 'node:stream';
import { connOf } from '@q/session';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AuthRequest, authRequestOf, parseAuthData, readAuthRequest } from './request.ts';

/** All requests in what a client sends, however it is cut into pieces. */
async function read(pieces: readonly string[]): Promise<AuthRequest[]> {
  const input = new PassThrough();
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const conn = connOf(input, output, { idleTimeout: 30 });
  for (const piece of pieces) input.write(Buffer.from(piece, 'latin1'));
  input.end();
  const found: AuthRequest[] = [];
  for (let next = await readAuthRequest(conn); next; next = await readAuthRequest(conn))
    found.push(next);
  await conn.close();
  return found;
}

const LOGIN = 'imap\nlogin\njoe@dom\nse cret\n';
const DIALOGUE =
  `PRE . imap joe user@dom\nTCPREMOTEIP=192.0.2.1\nAUTH ${LOGIN.length}\n${LOGIN}` +
  'PASSWD imap\tjoe\told\tnew word\nENUMERATE\nDANCE\n';
const REQUESTS: AuthRequest[] = [
  { do: 'find', user: 'joe user@dom' },
  { do: 'login', user: 'joe@dom', password: 'se cret', ip: '192.0.2.1' },
  { do: 'passwd', user: 'joe', password: 'old', fresh: 'new word' },
  { do: 'list' },
  { do: 'unknown' },
];

test('requests follow each other, in whatever pieces they come', async () => {
  expect(await read([...DIALOGUE])).toEqual(REQUESTS);
  await fc.assert(
    fc.asyncProperty(fc.nat(DIALOGUE.length), async (cut) => {
      expect(await read([DIALOGUE.slice(0, cut), DIALOGUE.slice(cut)])).toEqual(REQUESTS);
    }),
    { numRuns: 30 },
  );
});

test('what is no address is not taken for one', async () => {
  const request = `AUTH ${LOGIN.length}\n${LOGIN}`;
  const [found] = await read([`TCPREMOTEIP=joe's\nTCPREMOTEHOST=x\n${request}`]);
  expect(found).toEqual({ do: 'login', user: 'joe@dom', password: 'se cret' });
  expect(authRequestOf({ ...found, ip: '2001:db8::1' })).toBeDefined();
  expect(authRequestOf({ ...found, ip: "joe's" })).toBeUndefined();
});

test('a request that stops short is none', async () => {
  expect(await read([`AUTH ${LOGIN.length}\n${LOGIN.slice(0, -1)}`])).toEqual([]);
  expect(await read(['PRE . imap joe'])).toEqual([]);
});

test('too much of anything is an error', async () => {
  await expect(read(['AUTH 8193\n'])).rejects.toThrow('too long');
  await expect(read([`PRE . imap ${'x'.repeat(9000)}\n`])).rejects.toThrow('line too long');
  await expect(read(['A=b\n'.repeat(20)])).rejects.toThrow('too much metadata');
});

test('an answer to a challenge is taken apart; other types and control characters are unknown', () => {
  const [challenge, response] = ['<1@host>', 'joe@dom 0A1b'].map((text) =>
    Buffer.from(text).toString('base64'),
  );
  expect(parseAuthData(`imap\ncram-md5\n${challenge}\n${response}\n`)).toEqual({
    do: 'cram',
    user: 'joe@dom',
    hash: 'md5',
    challenge: '<1@host>',
    digest: '0a1b',
  });
  for (const data of ['', 'imap', 'imap\nlogin\njoe', 'imap\ngssapi\na\nb', 'imap\ncram-md5\n!\n!'])
    expect(parseAuthData(data)).toEqual({ do: 'unknown' });
});

test('what another process sends is a request with all its texts, or nothing', () => {
  for (const request of REQUESTS) expect(authRequestOf(structuredClone(request))).toEqual(request);
  for (const bad of [null, 'list', { do: 'login', user: 'a' }, { do: 'cram', user: 'a' }, {}])
    expect(authRequestOf(bad)).toBeUndefined();
  expect(authRequestOf({ do: 'find', user: 'x'.repeat(70_000) })).toBeUndefined();
});
