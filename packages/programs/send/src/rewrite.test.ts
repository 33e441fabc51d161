import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rewriteRecipient, stripPrepend } from './rewrite.ts';

const VIRTUAL = new Map([
  ['boss@vip.example', 'ceo'],
  ['vip.example', 'vip'],
  ['.wild.example', 'wild'],
  ['out.wild.example', ''],
]);

function rules(virtual: ReadonlyMap<string, string> = VIRTUAL) {
  return {
    envNoAtHost: 'Me.Example',
    locals: new Set(['me.example', 'localhost']),
    percentHack: new Set(['hack.example', 'hack2.example']),
    virtualDomains: { get: (key: string) => virtual.get(key.toLowerCase()) },
  };
}

test.each([
  ['an address without host gets envnoathost', 'joe', 'local', 'joe@Me.Example'],
  [
    'locals compare without case, the box keeps its own',
    'JoE@ME.example',
    'local',
    'JoE@ME.example',
  ],
  ['the last @ counts', 'a@b@me.example', 'local', 'a@b@me.example'],
  ['a full address comes before its domain', 'Boss@VIP.example', 'local', 'ceo-Boss@VIP.example'],
  ['a virtual domain', 'joe@vip.example', 'local', 'vip-joe@vip.example'],
  ['a wildcard', 'joe@a.b.wild.example', 'local', 'wild-joe@a.b.wild.example'],
  ['a wildcard does not take the bare domain', 'joe@wild.example', 'remote', 'joe@wild.example'],
  ['an exception to a wildcard', 'joe@out.wild.example', 'remote', 'joe@out.wild.example'],
  ['everything else is remote', 'joe@else.example', 'remote', 'joe@else.example'],
  ['an empty host is remote', 'joe@', 'remote', 'joe@'],
  ['percenthack', 'joe%else.example@hack.example', 'remote', 'joe@else.example'],
  ['percenthack twice', 'joe%me.example%hack2.example@HACK.example', 'local', 'joe@me.example'],
  ['percenthack without %', 'joe@hack.example', 'remote', 'joe@hack.example'],
  ['% elsewhere is just a character', 'a%b@me.example', 'local', 'a%b@me.example'],
])('%s', (_name, recipient, channel, address) => {
  expect(rewriteRecipient(recipient, rules())).toEqual({ channel, address });
});

test('the empty key catches every address that nothing else does', () => {
  const all = rules(
    new Map([
      ['', 'all'],
      ['x.example', ''],
    ]),
  );
  expect(rewriteRecipient('a@b.example', all)).toEqual({
    channel: 'local',
    address: 'all-a@b.example',
  });
  expect(rewriteRecipient('a@x.example', all).channel).toBe('remote');
  expect(rewriteRecipient('a@', all)).toEqual({ channel: 'local', address: 'all-a@' });
});

test('a bounce names the address as the sender wrote it', () => {
  const undo = (address: string) => stripPrepend(address, rules());
  expect(undo('vip-joe@vip.example')).toBe('joe@vip.example');
  expect(undo('wild-joe-x@a.wild.example')).toBe('joe-x@a.wild.example');
  expect(undo('ceo-Boss@VIP.example')).toBe('Boss@VIP.example');
  expect(undo('other-joe@vip.example')).toBe('other-joe@vip.example');
  expect(undo('joe@out.wild.example')).toBe('joe@out.wild.example');
  expect(undo('no-host')).toBe('no-host');
});

test('whatever is rewritten to a virtual domain is undone', () => {
  const box = fc.stringMatching(/^[a-z%-]{0,12}$/);
  const domain = fc.constantFrom(
    'vip.example',
    'a.wild.example',
    'out.wild.example',
    'else.example',
  );
  fc.assert(
    fc.property(box, domain, (local, host) => {
      const address = `${local}@${host}`;
      expect(stripPrepend(rewriteRecipient(address, rules()).address, rules())).toBe(address);
    }),
  );
});

test('any bytes are rewritten without an error and keep their box', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (raw) => {
      const address = Buffer.from(raw).toString('latin1');
      expect(() => rewriteRecipient(address, rules())).not.toThrow();
      expect(() => stripPrepend(address, rules())).not.toThrow();
    }),
  );
});
