import { bytesOf } from '@q/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  asctime,
  deliveredToLine,
  fromLine,
  invokedBy,
  receivedByQueue,
  receivedFrom,
  returnPathLine,
  rfc822Date,
} from './index.ts';

const THEN = 812090813; // 26 Sep 1995 04:46:53 GMT

test('dates are in GMT, the day unpadded in mail and two digits in mbox', () => {
  expect(rfc822Date(THEN)).toBe('26 Sep 1995 04:46:53 -0000');
  expect(asctime(THEN)).toBe('Tue Sep 26 04:46:53 1995');
  expect(rfc822Date(0)).toBe('1 Jan 1970 00:00:00 -0000');
  expect(asctime(0)).toBe('Thu Jan 01 00:00:00 1970');
  expect(rfc822Date(951782399.9)).toBe('28 Feb 2000 23:59:59 -0000');
  expect(rfc822Date(2 ** 32)).toBe('7 Feb 2106 06:28:16 -0000');
});

test('a date names the moment it was made from, for each second of many centuries', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253402300799 }), (seconds) => {
      expect(Date.parse(rfc822Date(seconds)) / 1000).toBe(seconds);
      expect(Date.parse(`${asctime(seconds)} GMT`) / 1000).toBe(seconds);
    }),
  );
});

test('qmail-queue says by whom it was called', () => {
  const ids = { single: false, alias: 70, qmaild: 71, qmails: 72 };
  expect([70, 71, 72, 0].map((uid) => invokedBy(uid, ids))).toEqual([
    'by alias',
    'from network',
    'for bounce',
    'by uid 0',
  ]);
  expect(invokedBy(70, { single: true, alias: 70, qmaild: 70, qmails: 70 })).toBe('by uid 70');
  expect(receivedByQueue({ pid: 123, who: 'by uid 1000', now: THEN })).toBe(
    'Received: (qmail 123 invoked by uid 1000); 26 Sep 1995 04:46:53 -0000\n',
  );
});

test('a server says from whom, by which name and how', () => {
  const plain = {
    remoteHost: 'mail.example.org',
    remoteIp: '192.0.2.1',
    localHost: 'mx.example.net',
    protocol: 'SMTP',
    now: THEN,
  };
  const by = '\n  by mx.example.net with SMTP; 26 Sep 1995 04:46:53 -0000\n';
  expect(receivedFrom(plain)).toBe(`Received: from mail.example.org (192.0.2.1)${by}`);
  expect(receivedFrom({ ...plain, helo: 'MAIL.example.ORG' })).toBe(
    `Received: from mail.example.org (192.0.2.1)${by}`,
  );
  expect(receivedFrom({ ...plain, helo: 'me', remoteInfo: 'joe' })).toBe(
    `Received: from mail.example.org (HELO me) (joe@192.0.2.1)${by}`,
  );
  expect(receivedFrom({ ...plain, helo: '' })).toBe(
    `Received: from mail.example.org (HELO ) (192.0.2.1)${by}`,
  );
});

test('no peer can break out of the Received line', () => {
  const text = fc.uint8Array({ maxLength: 2000 }).map((raw) => Buffer.from(raw).toString('latin1'));
  fc.assert(
    fc.property(text, text, text, (remoteHost, helo, remoteInfo) => {
      const line = receivedFrom({
        remoteHost,
        helo,
        remoteInfo,
        remoteIp: '::1',
        localHost: 'x',
        protocol: 'SMTP',
        now: THEN,
      });
      expect(line).toMatch(
        /^Received: from \S* (\(HELO \S*\) )?\(\S*@::1\)\n {2}by x with SMTP; [^\n]*\n$/,
      );
      expect(line).not.toMatch(/[\x80-\xff\r\t;]+.*\n {2}by/);
      expect(line.length).toBeLessThan(1000);
    }),
  );
});

test('the lines before a delivered message', () => {
  expect(returnPathLine('joe@example.org')).toBe('Return-Path: <joe@example.org>\n');
  expect(returnPathLine('a b@example.org')).toBe('Return-Path: <"a b"@example.org>\n');
  expect(returnPathLine('')).toBe('Return-Path: <>\n');
  expect(returnPathLine('#@[]')).toBe('Return-Path: <#@[]>\n');
  expect(deliveredToLine('joe@example.org')).toBe('Delivered-To: joe@example.org\n');
  expect(fromLine('joe@example.org', THEN)).toBe('From joe@example.org Tue Sep 26 04:46:53 1995\n');
  expect(fromLine('a b\tc@x', THEN)).toBe('From a-b-c@x Tue Sep 26 04:46:53 1995\n');
  expect(fromLine('', THEN)).toBe('From MAILER-DAEMON Tue Sep 26 04:46:53 1995\n');
});

test('each of these lines is one line, whatever the address', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (raw) => {
      const address = `${Buffer.from(raw).toString('latin1')}\n`;
      const lines = [returnPathLine(address), deliveredToLine(address), fromLine(address, 0)];
      for (const line of lines) expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(lines.map(bytesOf)).toHaveLength(3);
    }),
  );
});
