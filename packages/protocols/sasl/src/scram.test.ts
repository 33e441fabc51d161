import { describe, expect, test } from 'vitest';
import { scramTerms, startExchange } from './index.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

/** RFC 7677, section 3. */
const RFC = {
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  server: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
};

const terms = () => ({
  nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  salt: () => Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  iterations: 4096,
});
const start = () => startExchange('SCRAM-SHA-256', '', terms);

describe('SCRAM-SHA-256', () => {
  test('hands on the proof with the message it was made over (RFC 7677’s example)', () => {
    const step = start();
    expect(step(undefined)).toEqual({ is: 'challenge', text: '' });
    expect(step(bytes(RFC.first))).toEqual({ is: 'challenge', text: RFC.server });
    expect(step(bytes(RFC.final))).toEqual({
      is: 'login',
      login: {
        user: 'user',
        password: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
        stamp: `${RFC.first.slice(3)},${RFC.server},${RFC.final.replace(/,p=.*/, '')}`,
        mutual: true,
      },
    });
  });

  test.each([
    ['n,a=a=2Cb=3D,n=a=2Cb=3D,r=x', 'n,a=a=2Cb=3D,', 'a,b='],
    ['y,,n=joe@example.org,r=x', 'y,,', 'joe@example.org'],
    ['n,,n=J\xc3\xbcrgen,r=x,k=unknown', 'n,,', 'J\xc3\xbcrgen'],
  ])('takes %j', (first, header, user) => {
    const step = start();
    const challenge = step(bytes(first));
    const nonce = `x${terms().nonce}`;
    expect(challenge).toMatchObject({ text: expect.stringMatching(/^r=x%/) });
    const proof = Buffer.alloc(32).toString('base64');
    const final = `c=${bytes(header).toString('base64')},r=${nonce},p=${proof}`;
    expect(step(bytes(final))).toMatchObject({ is: 'login', login: { user, password: proof } });
  });

  test.each([
    '',
    'user',
    'n,,n=user',
    'n,,n=,r=x',
    'n,,n=user,r=',
    'n,,r=x,n=user',
    'n,,n=a=b,r=x',
    'n,,n=a=2c,r=x',
    'n,,n=a\0b,r=x',
    'n,,m=ext,n=user,r=x',
    'n,a=somebody,n=user,r=x',
    'p=tls-exporter,,n=user,r=x',
    'n,,n=user,r=\x7f',
  ])('refuses %j as a first message', (first) => {
    expect(start()(bytes(first))).toEqual({ is: 'malformed' });
  });

  test.each([
    ['another nonce', RFC.final.replace('$k0', '$k1')],
    ['the client’s nonce alone', RFC.final.replace(/r=[^,]*/, 'r=rOprNGfwEbeRWgbNEkqO')],
    ['another channel', RFC.final.replace('biws', 'eSws')],
    ['no proof', RFC.final.replace(/,p=.*/, '')],
    ['a short proof', RFC.final.replace(/p=..../, 'p=')],
    ['more behind it', `${RFC.final},x=y`],
    ['the first message again', RFC.first],
  ])('refuses a last message with %s', (_, final) => {
    const step = start();
    step(bytes(RFC.first));
    expect(step(bytes(final))).toEqual({ is: 'malformed' });
  });

  test('is malformed from the first word where nobody offers it', () => {
    expect(startExchange('SCRAM-SHA-256', '')(undefined)).toEqual({ is: 'malformed' });
  });
});

test('a name has the same salt each time, another name another, and a nonce comes once', () => {
  const key = Buffer.from('of this process');
  const [one, two] = [scramTerms(key), scramTerms(key)];
  expect(one.salt('joe')).toEqual(two.salt('joe'));
  expect(one.salt('joe')).not.toEqual(one.salt('ann'));
  expect(one.salt('joe')).not.toEqual(scramTerms(Buffer.from('of another')).salt('joe'));
  expect(one.salt('joe')).toHaveLength(16);
  expect(one.nonce).not.toBe(two.nonce);
  expect(one.nonce).toMatch(/^[!-+\--~]{24}$/);
});
