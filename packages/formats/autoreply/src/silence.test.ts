import { parseField } from '@q/rfc822';
import { expect, test } from 'vitest';
import { HeaderSilence, senderSilence } from './silence.ts';

const OWN = ['joe@host.test', 'j@other.test'];

test.each(['ann@x.test', 'request@x.test', 'owner@x.test', 'list-request-x@y.test', 'a-b@c'])(
  'a sender like %s may get a reply',
  (sender) => {
    expect(senderSilence(sender, OWN)).toBeUndefined();
  },
);

test.each([
  ['', 'it is a bounce'],
  ['#@[]', 'it is a bounce'],
  ['Joe@Host.test', 'it is from here'],
  ['ann', 'the sender is no address'],
  ['@x.test', 'the sender is no address'],
  ['a b@x.test', 'the sender is no address'],
  ['a\nb@x.test', 'the sender is no address'],
  [`${'a'.repeat(300)}@x.test`, 'the sender is too long'],
  ['MAILER-DAEMON@x.test', 'the sender is a program'],
  ['owner-list@x.test', 'the sender is a program'],
  ['list-owner@x.test', 'the sender is a program'],
  ['list-request@x.test', 'the sender is a program'],
  ['list-bounces+joe=host.test@x.test', 'the sender is a program'],
  ['list-return-12-joe=host.test@x.test', 'the sender is a program'],
  ['No-Reply@x.test', 'the sender is a program'],
  ['donotreply@x.test', 'the sender is a program'],
  ['postmaster@x.test', 'the sender is a program'],
])('a sender like "%s" gets none: %s', (sender, reason) => {
  expect(senderSilence(sender, OWN)).toBe(reason);
});

function reasonFor(...fields: string[]): string | undefined {
  const silence = new HeaderSilence(OWN);
  for (const text of fields) {
    const field = parseField(`${text}\n`);
    if (field !== undefined) silence.look(field);
  }
  return silence.reason;
}

const TO = 'To: Joe <JOE@host.test>';

test.each([
  [TO],
  ['Cc: x@y.test, j@other.test'],
  ['Resent-To: joe@host.test', 'To: x@y.test'],
  [TO, 'Auto-Submitted: no'],
  [TO, 'Auto-Submitted: (really) NO ; x=y'],
  [TO, 'Precedence: first-class'],
  [TO, 'X-Spam-Flag: NO', 'X-List-Id: x', 'X-Auto-Response-Suppress: DR'],
])('a message with %j may get a reply', (...fields) => {
  expect(reasonFor(...fields)).toBeUndefined();
});

test.each([
  ['Auto-Submitted: auto-generated', 'Auto-Submitted: auto-generated'],
  ['Auto-Submitted: auto-replied; owner="no"', 'Auto-Submitted: auto-replied'],
  ['Auto-Submitted: nobody', 'Auto-Submitted: nobody'],
  ['Auto-Submitted:', 'Auto-Submitted: '],
  ['PRECEDENCE: Bulk', 'PRECEDENCE: bulk'],
  ['Precedence:\n junk', 'Precedence: junk'],
  ['Precedence: list', 'Precedence: list'],
  ['List-Id: <x.y>', 'List-Id: <x.y>'],
  ['List-Unsubscribe: <mailto:x@y>', 'List-Unsubscribe: <mailto:x@y>'],
  ['Mailing-List: contact x', 'Mailing-List: contact x'],
  ['X-Auto-Response-Suppress: DR, OOF', 'X-Auto-Response-Suppress: dr, oof'],
  ['X-Autoreply: yes', 'X-Autoreply: yes'],
  ['X-Spam-Flag: YES', 'X-Spam-Flag: yes'],
])('a message with "%s" gets none', (field, reason) => {
  expect(reasonFor(TO, field)).toBe(reason);
  expect(reasonFor(field, TO)).toBe(reason);
});

test('a message that is not addressed to here gets none', () => {
  expect(reasonFor('To: x@y.test', 'X-To: joe@host.test')).toBe('it is not addressed to here');
  expect(reasonFor('To: joe@host.test <<')).toBe('it is not addressed to here');
  expect(reasonFor()).toBe('it is not addressed to here');
});
