import { expect, test } from 'vitest';
import { type CapabilityContext, capabilities } from './index.ts';

const plain: CapabilityContext = {
  loggedIn: false,
  tls: false,
  startTls: true,
  tlsRequired: false,
  mechanisms: ['PLAIN', 'LOGIN'],
  compress: true,
  appendLimit: undefined,
};

test('before login there is what a client needs to log in', () => {
  const list = capabilities(plain);
  expect(list).toEqual(
    expect.arrayContaining([
      'IMAP4rev1',
      'LITERAL-',
      'STARTTLS',
      'SASL-IR',
      'AUTH=PLAIN',
      'AUTH=LOGIN',
    ]),
  );
  for (const name of ['LOGINDISABLED', 'LITERAL+', 'IDLE', 'COMPRESS=DEFLATE'])
    expect(list).not.toContain(name);
});

test('where passwords need TLS, no way to send one is on offer before', () => {
  const list = capabilities({ ...plain, tlsRequired: true });
  expect(list).toEqual(expect.arrayContaining(['STARTTLS', 'LOGINDISABLED']));
  expect(list.filter((name) => /^(AUTH=|SASL)/.test(name))).toEqual([]);
});

test('within TLS there is no STARTTLS, and logins are open', () => {
  const list = capabilities({ ...plain, tls: true, tlsRequired: true });
  expect(list).toContain('AUTH=PLAIN');
  for (const name of ['STARTTLS', 'LOGINDISABLED']) expect(list).not.toContain(name);
});

test('after login there is everything but the ways to log in', () => {
  const list = capabilities({ ...plain, loggedIn: true, appendLimit: 1000 });
  expect(list).toEqual(
    expect.arrayContaining([
      'IMAP4rev2',
      'LITERAL+',
      'IDLE',
      'QRESYNC',
      'COMPRESS=DEFLATE',
      'APPENDLIMIT=1000',
    ]),
  );
  expect(list.filter((name) => /^(AUTH=|STARTTLS|LOGINDISABLED|LITERAL-)/.test(name))).toEqual([]);
  expect(new Set(list).size).toBe(list.length);
  for (const name of list) expect(name).toMatch(/^[A-Za-z0-9=+.-]+$/);
});

test('what is turned off is not in it', () => {
  const context = { ...plain, loggedIn: true, compress: false };
  expect(capabilities(context, ['IDLE'])).toEqual([
    'IMAP4rev1',
    'IMAP4rev2',
    'ID',
    'ENABLE',
    'LITERAL+',
    'IDLE',
    'APPENDLIMIT',
  ]);
});
