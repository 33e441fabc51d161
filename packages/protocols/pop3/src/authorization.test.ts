import { type Duplex, PassThrough } from 'node:stream';
import type { SaslLogin } from '@q/sasl';
import { connOf } from '@q/session';
import { expect, test } from 'vitest';
import { type Authorizing, authorizationTable, tlsRequired } from './authorization.ts';
import { CAPABILITIES } from './replies.ts';
import { serveCommands } from './serve.ts';

/** What a client hears that says these lines, and what it submitted. */
async function talk(lines: readonly string[], more: Partial<Authorizing> = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  const submitted: SaslLogin[] = [];
  const table = authorizationTable<Authorizing>((_, login) => {
    submitted.push(login);
    return 'stop';
  });
  input.end(lines.map((line) => `${line}\r\n`).join(''));
  const conn = connOf(input, output);
  const end = await serveCommands(conn, table, { conn, ...more });
  await conn.flush();
  const heard = String(output.read() ?? '').split('\r\n');
  return { end, submitted, heard: heard.slice(0, -1) };
}

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const JOE = { user: 'joe', password: 'secret' };
const STAMP = '<1.2@h>';
const CAN_TLS = { tls: () => async (stream: Duplex) => stream };

test('a name and a password are submitted, and nothing is said or read after', async () => {
  expect(await talk(['USER joe', 'pass a  b ', 'NOOP'])).toEqual({
    end: 'stop',
    submitted: [{ user: 'joe', password: 'a  b ' }],
    heard: ['+OK '],
  });
});

test('USER may be said again; PASS needs it; neither may be empty', async () => {
  const { heard, submitted } = await talk(['PASS x', 'USER', 'USER a', 'USER b', 'PASS', 'PASS x']);
  expect(heard).toEqual([
    '-ERR USER first',
    '-ERR syntax error',
    '+OK ',
    '+OK ',
    '-ERR syntax error',
  ]);
  expect(submitted).toEqual([{ user: 'b', password: 'x' }]);
});

test('NOOP, UTF8, CAPA, QUIT, and anything else', async () => {
  const { end, heard } = await talk(['NOOP', 'UTF8', 'UTF8 x', 'CAPA', 'STAT', 'QUIT', 'NOOP']);
  expect(end).toBe('stop');
  const capabilities = ['USER', 'SASL PLAIN LOGIN', ...CAPABILITIES];
  expect(heard).toEqual([
    '+OK ',
    '+OK ',
    '-ERR syntax error',
    '+OK capability list follows',
    ...capabilities,
    '.',
    '-ERR authorization first',
    '+OK ',
  ]);
});

test('AUTH PLAIN and LOGIN submit a login, with an initial response and without', async () => {
  const plain = base64('\0joe\0secret');
  for (const lines of [
    [`AUTH PLAIN ${plain}`],
    ['auth plain', plain],
    ['AUTH LOGIN', base64('joe'), base64('secret')],
    [`AUTH LOGIN ${base64('joe')}`, base64('secret')],
  ])
    expect((await talk([...lines, 'NOOP'])).submitted).toEqual([JOE]);
  expect((await talk(['AUTH LOGIN', base64('joe'), base64('secret')])).heard).toEqual([
    `+ ${base64('Username:')}`,
    `+ ${base64('Password:')}`,
  ]);
  expect((await talk(['AUTH PLAIN', plain])).heard).toEqual(['+ ']);
});

test('AUTH alone lists what there is; what is no login is an error, and the next command is read', async () => {
  const { heard, submitted } = await talk([
    'AUTH',
    'AUTH GSSAPI',
    'AUTH CRAM-MD5',
    'AUTH PLAIN =',
    'AUTH PLAIN *',
    'AUTH PLAIN a b',
    'AUTH PLAIN',
    '*',
    'AUTH PLAIN',
    'x'.repeat(5000),
    'NOOP',
  ]);
  expect(submitted).toEqual([]);
  const mechanism = '-ERR no such mechanism';
  const syntax = '-ERR syntax error';
  expect(heard).toEqual([
    ...['+OK ', 'PLAIN', 'LOGIN', '.', mechanism, mechanism, syntax, syntax, syntax],
    ...['+ ', '-ERR cancelled', '+ ', syntax, '+OK '],
  ]);
});

test('APOP and CRAM-MD5 are there where there is a stamp, and hand it on with the digest', async () => {
  const digest = 'c4c9334bac560ecc979e58001b3e22fb';
  expect((await talk([`APOP joe ${digest}`])).heard).toEqual(['-ERR authorization first']);
  const login = { user: 'joe', password: digest, stamp: STAMP };
  const apop = await talk(['APOP joe', `APOP joe ${digest}`], { stamp: STAMP });
  expect(apop).toEqual({ end: 'stop', submitted: [login], heard: ['-ERR syntax error'] });
  const cramMd5 = ['AUTH CRAM-MD5', base64(`joe ${digest}`)];
  expect((await talk(cramMd5, { stamp: STAMP })).heard[0]).toBe('-ERR no such mechanism');
  const cram = await talk(cramMd5, { stamp: STAMP, cramMd5: true });
  expect(cram).toEqual({ end: 'stop', submitted: [login], heard: [`+ ${base64(STAMP)}`] });
});

test('where TLS is required no password is taken in clear, and digests are', async () => {
  const { heard, submitted } = await talk(
    ['CAPA', 'USER joe', 'PASS x', 'AUTH PLAIN', 'AUTH', `APOP joe ${'a'.repeat(32)}`],
    { ...CAN_TLS, needsTls: true, stamp: STAMP, cramMd5: true },
  );
  expect(heard.slice(0, 4)).toEqual([
    '+OK capability list follows',
    'SASL CRAM-MD5',
    'STLS',
    'TOP',
  ]);
  expect(heard.slice(-6)).toEqual([
    '-ERR STLS first',
    '-ERR STLS first',
    '-ERR no such mechanism',
    '+OK ',
    'CRAM-MD5',
    '.',
  ]);
  expect(submitted).toHaveLength(1);
});

test('STLS forgets the name and all that was sent before the handshake, and is not there twice', async () => {
  const lines = ['USER joe', 'STLS now', 'STLS', 'PASS injected'];
  const { heard, submitted } = await talk(lines, CAN_TLS);
  expect(heard).toEqual(['+OK ', '-ERR syntax error', '+OK begin TLS']);
  expect(submitted).toEqual([]);
  expect((await talk(['STLS'])).heard).toEqual(['-ERR TLS is not available']);
  const broken = {
    tls: () => {
      throw new Error('no key');
    },
  };
  expect((await talk(['STLS', 'NOOP'], broken)).heard[0]).toMatch(/^-ERR \[SYS\/TEMP\] /);
});

test('the environment says who must encrypt, and loopback never must', () => {
  const peer = (remoteIp: string, word?: string) => ({
    remoteIp,
    env: { POP3_TLS_REQUIRED: word },
  });
  expect(tlsRequired(peer('192.0.2.1'))).toBe(false);
  expect(tlsRequired(peer('192.0.2.1'), true)).toBe(true);
  expect(tlsRequired(peer('192.0.2.1', '1'))).toBe(true);
  expect(tlsRequired(peer('192.0.2.1', '0'), true)).toBe(false);
  for (const ip of ['127.0.0.1', '127.1.2.3', '::1'])
    expect(tlsRequired(peer(ip, '1'), true)).toBe(false);
});
