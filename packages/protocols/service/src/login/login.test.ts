import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WorkerPool } from '../worker-pool.ts';
import { Broker } from './broker.ts';
import { LocalNames } from './local-names.ts';
import { checkedOf, countsOf, fromLogin } from './messages.ts';

test('a message that is not one of the agreed ones is none', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(fromLogin(value)).toBeUndefined();
      expect(countsOf(value)).toBeUndefined();
      expect(checkedOf(value)).toEqual({ verdict: 'temporary' });
    }),
  );
  const login = { kind: 'login', id: 1, user: 'u', password: 'p', client: {} };
  expect(fromLogin({ ...login, extra: 1 })).toEqual(login);
  for (const wrong of [{ id: -1 }, { id: 1.5 }, { id: '1' }, { user: 7 }, { password: null }])
    expect(fromLogin({ ...login, ...wrong })).toBeUndefined();
  expect(fromLogin({ ...login, user: 'u'.repeat(5000) })).toBeUndefined();
  expect(
    fromLogin({ kind: 'take', id: 1, rest: 'x'.repeat(2 ** 21), secure: true }),
  ).toBeUndefined();
  expect(fromLogin({ kind: 'take', id: 1, rest: '', secure: true, tag: 7 })).toBeUndefined();
  for (const secure of [undefined, 1, 'yes'])
    expect(fromLogin({ kind: 'take', id: 1, rest: '', secure })).toBeUndefined();
  expect(fromLogin({ kind: 'take', id: 1, rest: '', secure: true, tag: 'a1' })).toEqual({
    kind: 'take',
    id: 1,
    rest: '',
    secure: true,
    tag: 'a1',
  });
  expect(checkedOf({ verdict: 'yes', env: {} })).toEqual({ verdict: 'temporary' });
  expect(checkedOf({ verdict: 'ok', env: { HOME: 7 } })).toEqual({ verdict: 'temporary' });
  const proof = Buffer.alloc(32).toString('base64');
  expect(checkedOf({ verdict: 'ok', env: {}, proof })).toEqual({ verdict: 'ok', env: {}, proof });
  for (const wrong of [7, '', 'x y', `${proof}\r\n* BYE`, proof.repeat(2)])
    expect(checkedOf({ verdict: 'ok', env: {}, proof: wrong })).toEqual({ verdict: 'temporary' });
  expect(countsOf({ counts: { retrieved: 'x' } })).toBeUndefined();
  expect(countsOf({ counts: { 'a b': 1 } })).toBeUndefined();
});

test('a login comes with a password or with certificates, and with no more of them than there can be', () => {
  const login = { kind: 'login', id: 1, user: 'u', client: {} };
  expect(fromLogin({ ...login, certificates: ['QQ=='] })).toEqual({
    ...login,
    certificates: ['QQ=='],
  });
  const wrong = [
    {},
    { certificates: 'QQ==' },
    { certificates: [7] },
    { certificates: ['QQ=='], password: 'p' },
    { certificates: Array.from({ length: 9 }, () => 'QQ==') },
    { certificates: ['Q'.repeat(2 ** 17)] },
  ];
  for (const bad of wrong) expect(fromLogin({ ...login, ...bad })).toBeUndefined();
});

test('of a client only what tcp-environ has is told to programs of root, and nothing that is no word', () => {
  const login = { kind: 'login', id: 1, user: 'u', password: 'p' };
  const client = { TCPREMOTEIP: '2001:db8::1', TCPLOCALHOST: 'pop.test', PROTO: 'TCP' };
  expect(fromLogin({ ...login, client })).toEqual({ ...login, client });
  const wrong = [
    undefined,
    7,
    { LD_PRELOAD: '/tmp/x.so' },
    { PATH: '/tmp' },
    { TCPLOCALHOST: 7 },
    { TCPLOCALHOST: '' },
    { TCPREMOTEIP: '1.2.3.4\nx' },
    { TCPREMOTEIP: '1'.repeat(256) },
  ];
  for (const bad of wrong) expect(fromLogin({ ...login, client: bad })).toBeUndefined();
});

test('the parent serves no client that was not admitted, and closes what it was sent', () => {
  const broker = new Broker({
    env: {},
    maildir: 'Maildir',
    workers: {} as WorkerPool,
    log: () => {},
    tell: () => {},
  });
  let closed = 0;
  const held = { handle: { reading: false, readStop: () => 0, close() {} }, close: () => closed++ };
  expect(broker.onMessage({ kind: 'take', id: 1, rest: '', secure: false }, held)).toBe(false);
  expect(broker.onMessage({ kind: 'take', id: 1, rest: '', secure: false }, undefined)).toBe(false);
  expect(broker.onMessage(undefined, held)).toBe(false);
  expect(broker.onMessage({ kind: 'drop', id: 1 }, undefined)).toBe(true);
  expect(closed).toBe(2);
});

test('the name of a local address is what the rules say, else its PTR name, asked for once', async () => {
  let asked = 0;
  const names = new LocalNames(async () => {
    asked++;
    return ['Mail.Example.ORG'];
  });
  const peer = { remoteIp: '192.0.2.9', localIp: '192.0.2.1', env: {} };
  expect(await names.of({ ...peer, localHost: 'by.rules' })).toBe('by.rules');
  expect(await names.of(peer)).toBe('mail.example.org');
  expect(await names.of(peer)).toBe('mail.example.org');
  expect(asked).toBe(1);
  const silent = new LocalNames(async () => {
    throw new Error('NXDOMAIN');
  });
  expect(await silent.of(peer)).toBeUndefined();
  expect(await silent.of({ remoteIp: 'unknown', env: {} })).toBeUndefined();
});
