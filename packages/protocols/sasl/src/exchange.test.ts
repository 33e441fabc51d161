import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64, mechanismOf, startExchange } from './index.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('PLAIN', () => {
  const say = (text: string) => startExchange('PLAIN', '')(bytes(text));

  test('asks with an empty challenge when nothing came with the command', () => {
    expect(startExchange('PLAIN', '')(undefined)).toEqual({ is: 'challenge', text: '' });
  });

  test('takes RFC 4616’s name and password, as any bytes', () => {
    const login = { user: 'tim', password: 'tan st\xe9' };
    expect(say('\0tim\0tan st\xe9')).toEqual({ is: 'login', login });
    expect(say('tim\0tim\0tan st\xe9')).toEqual({ is: 'login', login });
  });

  test.each(['', 'tim', '\0tim', '\0tim\0', '\0\0pass', 'Ursel\0Kurt\0x', '\0a\0b\0c'])(
    'refuses %j: a part is missing, there is one too many, or it is for somebody else',
    (text) => expect(say(text)).toEqual({ is: 'malformed' }),
  );
});

test('LOGIN asks for name and password, and takes the name with the command too', () => {
  const step = startExchange('LOGIN', '');
  expect(step(undefined)).toEqual({ is: 'challenge', text: 'Username:' });
  expect(step(bytes('joe'))).toEqual({ is: 'challenge', text: 'Password:' });
  expect(step(bytes('x y'))).toEqual({ is: 'login', login: { user: 'joe', password: 'x y' } });
  const short = startExchange('LOGIN', '');
  expect(short(bytes('joe'))).toEqual({ is: 'challenge', text: 'Password:' });
  expect(short(bytes(''))).toEqual({ is: 'malformed' });
});

test('CRAM-MD5 hands on the digest with the stamp it was made from (RFC 2195’s example)', () => {
  const stamp = '<1896.697170952@postoffice.reston.mci.net>';
  const step = startExchange('CRAM-MD5', stamp);
  expect(step(undefined)).toEqual({ is: 'challenge', text: stamp });
  const password = 'b913a602c7eda7a495b4e6e7334d3890';
  expect(step(bytes(`tim ${password}`))).toEqual({
    is: 'login',
    login: { user: 'tim', password, stamp },
  });
  expect(step(bytes('tim short'))).toEqual({ is: 'malformed' });
  expect(step(bytes(password))).toEqual({ is: 'malformed' });
});

test('base64 is decoded with or without padding, and nothing else is base64', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
      const text = Buffer.from(data).toString('base64');
      expect(decodeBase64(text)).toEqual(Buffer.from(data));
      expect(decodeBase64(text.replace(/=+$/, ''))).toEqual(Buffer.from(data));
    }),
  );
  for (const wrong of ['a', 'ab c', '*', 'ab=c', 'YQ===', 'YQ-_'])
    expect(decodeBase64(wrong)).toBeUndefined();
});

test('a mechanism is found in any case, and only where it is offered', () => {
  expect(mechanismOf('plain', ['PLAIN', 'LOGIN'])).toBe('PLAIN');
  expect(mechanismOf('CRAM-MD5', ['PLAIN', 'LOGIN'])).toBeUndefined();
});

test('EXTERNAL asks for whom, and takes no name for whoever it is (RFC 4422, appendix A)', () => {
  const step = startExchange('EXTERNAL', '');
  expect(step(undefined)).toEqual({ is: 'challenge', text: '' });
  const login = { user: '', password: '', external: true };
  expect(step(bytes(''))).toEqual({ is: 'login', login });
  expect(step(bytes('joe@x'))).toEqual({ is: 'login', login: { ...login, user: 'joe@x' } });
  expect(step(bytes('a\0b'))).toEqual({ is: 'malformed' });
});
