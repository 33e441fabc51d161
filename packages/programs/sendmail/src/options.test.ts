import { expect, test } from 'vitest';
import { injectEnvironment, smtpEnvironment } from './environment.ts';
import { parseOptions } from './options.ts';

const send = { job: 'send', headerRecipients: false, recipients: [] };

test.each([
  [[], send],
  [['a', '-t', 'b'], { ...send, recipients: ['a', '-t', 'b'] }],
  [['--', '-t'], { ...send, recipients: ['-t'] }],
  [['-', 'a'], { ...send, recipients: ['-', 'a'] }],
  [['-t'], { ...send, headerRecipients: true }],
  [['-tifx@y', 'a'], { ...send, headerRecipients: true, sender: 'x@y', recipients: ['a'] }],
  [['-f', '-t', 'a'], { ...send, sender: '-t', recipients: ['a'] }],
  [['-f', '<a@b>'], { ...send, sender: 'a@b' }],
  [['-f<>'], { ...send, sender: '' }],
  [['-f', ''], { ...send, sender: '' }],
  [['-fa', '-rb', '-Fc', '-F', 'd'], { ...send, sender: 'b', fullName: 'd' }],
  [['-oi', '-o', 'i', 'a'], { ...send, recipients: ['a'] }],
  [['-bm', '-Ex', '-J', 'a'], { ...send, recipients: ['a'] }],
  [['-bp', '-Z'], { job: 'list the queue' }],
  [['-odq', '-bs', 'x'], { job: 'speak SMTP' }],
  [['-bi'], { job: 'make aliases' }],
  [['-vI'], { job: 'make aliases' }],
  [['-q1h', '-Z'], { job: 'nothing' }],
])('%j', (words, request) => {
  expect(parseOptions(words)).toEqual(request);
});

test.each([[['-f']], [['-b']], [['-bd']], [['-bx', 'a']], [['-tZ']], [['-\0']], [['-é']]])(
  '%j is wrong',
  (words) => {
    expect(parseOptions(words)).toBeUndefined();
  },
);

test('a group of a million letters is read once through', () => {
  expect(parseOptions([`-${'i'.repeat(1_000_000)}`, 'a'])).toEqual({ ...send, recipients: ['a'] });
});

test('a sender makes the names of From, and a full name given with it counts', () => {
  const env = { NAME: 'n', MAILNAME: 'm', QMAILNAME: 'q', MAILHOST: 'h', QMAILHOST: 'i', A: 'a' };
  expect(injectEnvironment(env, { sender: 'x@y@z' })).toEqual({
    A: 'a',
    QMAILINJECT: 'l',
    QMAILUSER: 'x@y',
    QMAILHOST: 'z',
  });
  expect(injectEnvironment(env, { sender: 'x', fullName: 'f' })).toEqual({
    A: 'a',
    QMAILINJECT: 'l',
    QMAILUSER: 'x',
    MAILNAME: 'f',
  });
  expect(injectEnvironment(env, { sender: '' })).toEqual({ ...env, QMAILINJECT: 'l' });
  expect(injectEnvironment(env, { fullName: 'f' })).toEqual({
    ...env,
    MAILNAME: 'f',
    QMAILINJECT: 'l',
  });
});

test('line ends CR LF are understood, whatever else the caller asks of qmail-inject', () => {
  expect(injectEnvironment({ QMAILINJECT: 'fi' }, {})).toEqual({ QMAILINJECT: 'fil' });
});

test('SMTP is spoken as to a local client who may relay, unless the caller tells of a connection', () => {
  expect(smtpEnvironment({ A: 'a' })).toEqual({
    A: 'a',
    RELAYCLIENT: '',
    DATABYTES: '0',
    PROTO: 'TCP',
    TCPLOCALIP: '127.0.0.1',
    TCPLOCALHOST: 'localhost',
    TCPREMOTEIP: '127.0.0.1',
    TCPREMOTEHOST: 'localhost',
    TCPREMOTEINFO: 'sendmail-bs',
  });
  expect(smtpEnvironment({ PROTO: '' })).toEqual({ PROTO: '' });
});
