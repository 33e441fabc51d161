import { expect, test } from 'vitest';
import { verifyDigest } from './digest.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

test('the examples of the RFCs are right where the password is stored in clear', () => {
  const apop = ['c4c9334bac560ecc979e58001b3e22fb', '<1896.697170952@dbc.mtview.ca.us>'] as const;
  expect(verifyDigest(bytes(apop[0]), apop[1], '$0$tanstaaf')).toBe(true);
  const cram = [
    'b913a602c7eda7a495b4e6e7334d3890',
    '<1896.697170952@postoffice.reston.mci.net>',
  ] as const;
  expect(verifyDigest(bytes(cram[0]), cram[1], '$0$tanstaaftanstaaf')).toBe(true);
});

test.each([
  ['another stamp', 'c4c9334bac560ecc979e58001b3e22fb', '<1@x>', '$0$tanstaaf'],
  ['no stamp', 'c4c9334bac560ecc979e58001b3e22fb', '', '$0$tanstaaf'],
  ['a hash', 'c4c9334bac560ecc979e58001b3e22fb', '<1896.697170952@dbc.mtview.ca.us>', 'tanstaaf'],
  ['nobody', 'c4c9334bac560ecc979e58001b3e22fb', '<1896.697170952@dbc.mtview.ca.us>', undefined],
  ['no password', 'd41d8cd98f00b204e9800998ecf8427e', '<1@x>', '$0$'],
  ['no digest', 'tanstaaf', '<1@x>', '$0$tanstaaf'],
])('with %s nothing is proved', (_, digest, stamp, stored) => {
  expect(verifyDigest(bytes(digest), stamp, stored)).toBe(false);
});
