import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Broker } from './broker.ts';
import { LocalNames } from './local-names.ts';
import { fromLogin, fromWorker } from './messages.ts';
import type { Workers } from './workers.ts';

test('a message that is not one of the agreed ones is none', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(fromLogin(value)).toBeUndefined();
      expect(fromWorker(value)).toBeUndefined();
    }),
  );
  const login = { kind: 'login', id: 1, user: 'u', password: 'p' };
  expect(fromLogin({ ...login, extra: 1 })).toEqual(login);
  for (const wrong of [{ id: -1 }, { id: 1.5 }, { id: '1' }, { user: 7 }, { password: null }])
    expect(fromLogin({ ...login, ...wrong })).toBeUndefined();
  expect(fromLogin({ ...login, user: 'u'.repeat(5000) })).toBeUndefined();
  expect(fromLogin({ ...login, localHost: 7 })).toBeUndefined();
  expect(fromLogin({ kind: 'take', id: 1, rest: 'x'.repeat(2 ** 21) })).toBeUndefined();
  expect(fromWorker({ kind: 'checked', id: 1, verdict: 'yes' })).toBeUndefined();
  expect(fromWorker({ kind: 'ended', id: 1, tally: { retrieved: 1 } })).toBeUndefined();
});

test('the parent serves no client that was not admitted, and closes what it was sent', () => {
  const broker = new Broker({
    env: {},
    maildir: 'Maildir',
    workers: {} as Workers,
    log: () => {},
    tell: () => {},
  });
  let closed = 0;
  const held = { handle: { reading: false, readStop: () => 0, close() {} }, close: () => closed++ };
  expect(broker.onMessage({ kind: 'take', id: 1, rest: '' }, held)).toBe(false);
  expect(broker.onMessage({ kind: 'take', id: 1, rest: '' }, undefined)).toBe(false);
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
