import { Permanent } from '@q/fault';
import { describe, expect, test } from 'vitest';
import { passHeader, testSettings } from './testing/pass.ts';

const DATE = 'Date: 26 Sep 1995 04:46:53 -0000\n';
const ID = 'Message-ID: <19950926044653.123.qmail@id.test>\n';
const FROM = 'From: joe@host.domain.test\n';
const NOBODY = 'Cc: recipient list not shown: ;\n';

test('what is missing is put before what is there', () => {
  expect(passHeader('Subject: x\n\nbody')).toEqual({
    header: `${DATE}${ID}${FROM}${NOBODY}Subject: x\n`,
    rest: '\nbody',
    sender: 'joe@host.domain.test',
    recipients: [],
  });
  expect(passHeader('').header).toBe(`${DATE}${ID}${FROM}${NOBODY}`);
});

test.each([
  ['Date: any time\n', `${ID}${FROM}${NOBODY}Date: any time\n`],
  ['MESSAGE-id: <x>\n', `${DATE}${FROM}${NOBODY}MESSAGE-id: <x>\n`],
  ['from : ann@a.b\n', `${DATE}${ID}${NOBODY}from: ann@a.b\n`],
  ['To: ann@a.b\n', `${DATE}${ID}${FROM}To: ann@a.b\n`],
  ['CC:ann@a.b\n', `${DATE}${ID}${FROM}CC: ann@a.b\n`],
  ['To:\n', `${DATE}${ID}${FROM}To:\n`],
  ['Bcc: ann@a.b\n', `${DATE}${ID}${FROM}${NOBODY}`],
  ['Apparently-To: ann\n', `${DATE}${ID}${FROM}${NOBODY}Apparently-To: ann@host.domain.test\n`],
  ['Return-Path: <x@y.z>\nContent-Length: 3\n', `${DATE}${ID}${FROM}${NOBODY}`],
  ['X: (\n  <joe\n', `${DATE}${ID}${FROM}${NOBODY}X: (\n  <joe\n`],
  ['Received: x\nDelivered-To: y\n', `${DATE}${ID}${FROM}${NOBODY}Received: x\nDelivered-To: y\n`],
  ['Subject: caf\xe9 \xff\0\n', `${DATE}${ID}${FROM}${NOBODY}Subject: caf\xe9 \xff\0\n`],
  ['From joe\nA: b\n', `${DATE}${ID}${FROM}${NOBODY}MBOX-Line: From joe\nA: b\n`],
])('%j', (message, header) => {
  expect(passHeader(message).header).toBe(header);
});

test('a resent message gets Resent- fields and no others, and goes to their recipients', () => {
  const R = [DATE, ID, FROM].map((field) => `Resent-${field}`).join('');
  const message =
    'To: a@b.c\nBcc: d@e.f\nResent-To: ann@a.b\nResent-Cc: ben\nResent-Bcc: cid@c.d\n';
  const passed = passHeader(message);
  expect(passed.header).toBe(
    `${R}To: a@b.c\nResent-To: ann@a.b\nResent-Cc: ben@host.domain.test\n`,
  );
  expect(passed.recipients).toEqual(['ann@a.b', 'ben@host.domain.test', 'cid@c.d']);
  for (const name of ['Sender', 'From', 'Reply-To', 'Bcc', 'Date', 'Message-ID']) {
    const { header } = passHeader(`Resent-${name}: x\n`);
    expect(header).toContain('Resent-Cc: recipient list not shown: ;\n');
    expect(header).not.toMatch(/^(?:Date|From|Cc|Message-ID):/m);
    expect(header.match(/^Resent-(?:Date|From|Message-ID):/gm)).toHaveLength(3);
  }
});

describe('addresses', () => {
  test.each([
    ['ann', 'ann@host.domain.test'],
    ['ann@x', 'ann@x.domain.test'],
    ['ann@x.y', 'ann@x.y'],
    ['ann@x.y.', 'ann@x.y'],
    ['ann@x.', 'ann@x.domain.test'],
    ['ann@', 'ann@host.domain.test'],
    ['ann.', 'ann@host.domain.test'],
    ['ann@x+', 'ann@x.plus.test'],
    ['ann@x.cs+', 'ann@x.cs.plus.test'],
    ['ann+', 'ann+@host.domain.test'],
    ['ann@[192.0.2.1]', 'ann@[192.0.2.1]'],
    ['<ann@[]>', '<ann@[]>'],
    ['<list-@x.y-@[]>', '<list-@x.y-@[]>'],
    ['<>', '<>'],
    ['<@a,@b:ann@x>', '<ann@x.domain.test>'],
    ['<@a:>', '<>'],
    ['<.>', '<>'],
    ['<@>', '<>'],
    ['a@b@x', 'a@b@x.domain.test'],
    ['"a b"@x', '"a b"@x.domain.test'],
    ['a\\ b@x', '"a b"@x.domain.test'],
    ['"ann"', '"ann"@host.domain.test'],
    ['caf\xe9', '"caf\xe9"@host.domain.test'],
    ['ann (Ann) @ (her) x (host)', 'ann@x.domain.test (Ann) (her) (host)'],
    ['Ann B. C <ann>', 'Ann B.C <ann@host.domain.test>'],
    ['ann ben', 'ann@host.domain.test, ben@host.domain.test'],
    [
      'friends: ann, ben@x.y;, cid',
      'friends: ann@host.domain.test, ben@x.y;, cid@host.domain.test',
    ],
  ])('%j becomes %j, in every field that has addresses', (given, made) => {
    for (const name of ['To', 'Cc', 'Apparently-To', 'Sender', 'From', 'Reply-To', 'Errors-To']) {
      const flat = passHeader(`${name}: ${given}\n`).header.replace(/,\n {2}/g, ', ');
      expect(flat).toContain(`${name}: ${made}\n`);
    }
    for (const name of [
      'Resent-To',
      'Resent-Cc',
      'Resent-Sender',
      'Resent-From',
      'Return-Receipt-To',
    ])
      expect(passHeader(`${name}: ${given}\n`).header.replace(/,\n {2}/g, ', ')).toContain(made);
  });

  test('the recipients are those of To, Cc, Bcc and Apparently-To; of each field the last comes first', () => {
    const message =
      'Cc: a, b\nTo: "c d"@x.y (e), G: f@[1.2.3.4];\nBcc: g@h.i\nApparently-To: j@k.l\n';
    expect(passHeader(`${message}Reply-To: no@no.no\nX-To: no@no.no\n`).recipients).toEqual([
      'b@host.domain.test',
      'a@host.domain.test',
      'f@[1.2.3.4]',
      'c d@x.y',
      'g@h.i',
      'j@k.l',
    ]);
  });

  test('a recipient field that cannot be read is left as it is, and said', () => {
    for (const field of ['To: a, (b\n', 'Cc: a>\n', 'To: "a\0b"@c.d\n']) {
      const passed = passHeader(field);
      expect(passed.header).toContain(field);
      expect(passed.unread).toBe(field);
      expect(passed.recipients).toEqual([]);
    }
    expect(passHeader('Bcc: )\n')).toMatchObject({ unread: 'Bcc: )\n' });
    // Of a resent message only its Resent- fields count.
    expect(passHeader('To: )\nResent-To: a@b.c\n')).not.toHaveProperty('unread');
    expect(passHeader('To: a@b.c\nResent-To: )\n')).toMatchObject({ unread: 'Resent-To: )\n' });
  });

  test.each([
    'Sender',
    'From',
    'Reply-To',
    'Return-Receipt-To',
    'Errors-To',
    'Resent-From',
    'Return-Path',
  ])('%s that cannot be read is an error', (name) => {
    const run = () => passHeader(`${name}: a>\n b\n`);
    expect(run).toThrow(Permanent);
    expect(run).toThrow(`unable to parse this line:\n${name}: a>\n b`);
  });
});

describe('the sender', () => {
  test.each([
    [{}, '', '', 'joe@host.domain.test'],
    [{ host: 'x.y' }, '', '', 'joe@host.domain.test'],
    [{ senderHost: 'x.y' }, '', '', 'joe@x.y'],
    [{ senderUser: 'a b', senderHost: 'x' }, '', '', 'a b@x.domain.test'],
    [{ senderUser: '' }, '', '', '@host.domain.test'],
    [{ senderHost: '[192.0.2.1]' }, '', '', 'joe@[192.0.2.1]'],
    [{}, 'r', '', 'joe-@host.domain.test-@[]'],
    [{}, 'm', '', 'joe-812090813.123@host.domain.test'],
    [{}, 'rm', '', 'joe-812090813.123-@host.domain.test-@[]'],
    [{}, '', 'Return-Path: <ann@x>\nReturn-Path: b@c.d\n', 'ann@x.domain.test'],
    [{}, '', 'Return-Path: <>\n', ''],
    [{}, '', 'Return-Path:\n', 'joe@host.domain.test'],
    [{}, 'r', 'Return-Path: <ann@x.y>\n', 'ann@x.y-@[]'],
    [{}, 's', 'Return-Path: <ann@x.y>\n', 'joe@host.domain.test'],
  ])('%j, flags %j, %j: %s', (identity, letters, message, sender) => {
    expect(passHeader(message, testSettings({ identity, letters })).sender).toBe(sender);
  });
});

describe('From', () => {
  test.each([
    [{ fullName: 'Joe Doe' }, '', 'From: "Joe Doe" <joe@host.domain.test>\n'],
    [{ fullName: 'Joe Doe' }, 'c', 'From: joe@host.domain.test (Joe Doe)\n'],
    [
      { fullName: 'J "x" (y) \\ \xe9' },
      '',
      'From: "J \\"x\\" \\(y\\) \\\\ \xe9" <joe@host.domain.test>\n',
    ],
    [{ fullName: 'a\nBcc: b' }, '', 'From: "a Bcc: b" <joe@host.domain.test>\n'],
    [{ fullName: 'a\nBcc: b' }, 'c', 'From: joe@host.domain.test (a Bcc: b)\n'],
    [{ user: 'a.b', host: 'x.y' }, '', 'From: a.b@x.y\n'],
    [{ user: 'a b\nc', host: 'x' }, '', 'From: "a b c"@x.domain.test\n'],
    [{ user: 'a', host: '[192.0.2.1]' }, '', 'From: a@[192.0.2.1]\n'],
    [{ user: 'a', host: '' }, '', 'From: a@host.domain.test\n'],
    [{ user: '', host: 'x.y' }, '', 'From: ""@x.y\n'],
  ])('%j %j: %j', (identity, letters, field) => {
    expect(passHeader('', testSettings({ identity, letters })).header).toContain(`\n${field}`);
  });

  test('with the flags f and i the fields of the message give way', () => {
    const message = 'From: a@b.c\nMessage-ID: <x>\nResent-From: d@e.f\n';
    const passed = passHeader('From: (\nMessage-ID: <x>\n', testSettings({ letters: 'fi' }));
    expect(passed.header).toBe(`${DATE}${ID}${FROM}${NOBODY}`);
    expect(passHeader(message, testSettings({ letters: 'fi' })).header).toContain(
      'Resent-From: d@e.f',
    );
  });

  test('a host name that is none is an error', () => {
    const settings = testSettings({ identity: { host: '(b' } });
    expect(() => passHeader('', settings).header).toThrow('unable to parse this line:\njoe@(b');
  });
});

describe('Mail-Followup-To', () => {
  const lists = ['list@lists.test'];
  const message = 'To: LIST@lists.test, "a b"@c.d\nCc: ann, ben@x.y\n';

  test('goes to all of Cc and To when one of them is a list', () => {
    expect(passHeader(message, testSettings({ lists })).header).toContain(
      'Mail-Followup-To: ann@host.domain.test,\n  ben@x.y,\n  LIST@lists.test,\n  "a b"@c.d\n',
    );
  });

  test('is not added without a list, to a resent message, or if it is there', () => {
    expect(passHeader(message, testSettings({ lists: ['x@y'] })).header).not.toContain('Followup');
    expect(passHeader(message).header).not.toContain('Followup');
    const resent = passHeader(`${message}Resent-To: a\n`, testSettings({ lists }));
    expect(resent.header).not.toContain('Followup');
    const own = passHeader(`${message}Mail-Followup-To: me\n`, testSettings({ lists }));
    expect(own.header.match(/Mail-Followup-To/g)).toHaveLength(1);
    expect(passHeader('Bcc: list@lists.test\n', testSettings({ lists })).header).not.toContain(
      'Followup',
    );
  });
});

test('a header with half a million addresses is the most that is taken', () => {
  expect(() => passHeader('To: a,b,c,d,e,f,g,h,i,j\n'.repeat(50_001))).toThrow('out of memory');
});
