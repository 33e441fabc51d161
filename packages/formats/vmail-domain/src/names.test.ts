import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkForward, checkUserName } from './names.ts';

test('a name with a separator, a blank or a control character is refused', () => {
  for (const name of ['me', 'john.doe', 'a-b+c', '+', '\u00e9', 'UPPER'])
    expect(() => checkUserName(name)).not.toThrow();
  fc.assert(
    fc.property(fc.constantFrom(...'/: \t\r\n\0\x1b\x7f'), fc.string(), (bad, rest) => {
      expect(() => checkUserName(`${rest}${bad}x`)).toThrow('invalid characters');
    }),
  );
  expect(() => checkUserName('')).toThrow('invalid characters');
  expect(() => checkUserName('x'.repeat(201))).toThrow('invalid characters');
});

test('a forward is an address with one @, or a user who exists', () => {
  const check = (address: string) => checkForward(address, (name) => name === 'me');
  for (const good of ['me', 'you@example.org', 'root@', '@example.org'])
    expect(() => check(good)).not.toThrow();
  expect(() => check('you')).toThrow("User 'you' does not exist");
  expect(() => check('a@b@c')).toThrow('more than one at (@) symbol');
  for (const bad of ['me you', 'a@b\nT', 'a\0@b', `${'x'.repeat(900)}@b`])
    expect(() => check(bad)).toThrow('contains invalid characters');
});
