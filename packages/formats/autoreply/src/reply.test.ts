import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseField } from '@q/rfc822';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { composeReply, Original } from './reply.ts';
import { readReplyText } from './text.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reply-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function textOf(content: string | Buffer) {
  writeFileSync(join(dir, 'text'), content, 'latin1');
  return readReplyText(join(dir, 'text'));
}

function reply(content: string, ...fields: string[]): string {
  const original = new Original();
  for (const text of fields) {
    const field = parseField(`${text}\n`);
    if (field !== undefined) original.look(field);
  }
  const text = textOf(content);
  const address = 'joe smith@Host.test';
  const made = { now: 811_000_000, pid: 77, program: 'replier' };
  return composeReply({ address, to: 'ann@x.test', text, original, ...made });
}

const HEAD =
  'Date: 13 Sep 1995 13:46:40 -0000\nMessage-ID: <811000000.77.replier@host.test>\n' +
  'From: <"joe smith"@Host.test>\nTo: <ann@x.test>\n';

test('a reply without any wishes, to a message without any fields', () => {
  expect(reply('\nI am away.')).toBe(
    `${HEAD}Subject: Auto: your message\nAuto-Submitted: auto-replied\n\nI am away.\n`,
  );
});

test('continues the thread and the subject', () => {
  const answer = reply(
    'I am away.\n',
    'Subject: one\n two\x07 \xe9',
    'References: <0@x> garbage <1@x>',
    'In-Reply-To: <9@x>',
    'Message-ID: <2@x>',
    'Message-ID: <forged@x>',
  );
  expect(answer).toBe(
    `${HEAD}Subject: Auto: one two \xe9\nIn-Reply-To: <2@x>\nReferences: <0@x>\n <1@x>\n <2@x>\n` +
      'Auto-Submitted: auto-replied\n\nI am away.\n',
  );
  expect(reply('\n', 'In-Reply-To: <9@x>', 'Message-ID: <2@x>')).toContain(
    'References: <9@x>\n <2@x>\n',
  );
});

test('nothing a stranger writes makes it long, or adds a field', () => {
  const ids = Array.from({ length: 5000 }, (_, i) => `<${i}@x>`);
  const answer = reply(
    '\n',
    `References: ${ids.join(' ')}`,
    `Message-ID: <${'a'.repeat(300)}@x>`,
    `Subject: ${'s'.repeat(5000)}`,
  );
  const shown = answer.match(/<[0-9]+@x>/g) ?? [];
  expect(shown).toHaveLength(20);
  expect([shown[0], shown.at(-1)]).toEqual(['<0@x>', '<4999@x>']);
  expect(answer).toContain('Subject: Auto: your message\n');
  expect(answer).not.toContain('In-Reply-To');
  expect(reply('\n', 'Subject: x\nBcc: all@x.test')).toContain(
    'Subject: Auto: x Bcc: all@x.test\n',
  );
});

test("the text's own fields are used, and 8-bit text is labelled unless it labels itself", () => {
  const own =
    'Subject: away\nFrom: Joe\n <joe@host.test>\nReply-To: b@c.test\n\nGr\xc3\xbc\xc3\x9fe\n';
  const head = HEAD.replace('<"joe smith"@Host.test>', 'Joe\n <joe@host.test>');
  const label =
    'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n';
  expect(reply(own)).toBe(
    `${head}Subject: away\nAuto-Submitted: auto-replied\nReply-To: b@c.test\n${label}\nGr\xc3\xbc\xc3\x9fe\n`,
  );
  const labelled = reply('Content-Type: text/plain; charset=latin1\n\n\xe9\n');
  expect(labelled.match(/Content-Type/g)).toHaveLength(1);
});

test('a text may have CR LF line ends, or no fields and no empty line', () => {
  expect(reply('Subject: x\r\n\r\na\r\nb\r\n')).toMatch(/\n\na\nb\n$/);
  expect(reply('Subject: x\r\n\r\na')).toContain('Subject: x\nAuto');
  expect(textOf('Hello there\n\nBye\n')).toEqual({
    fields: new Map(),
    body: 'Hello there\n\nBye\n',
  });
  expect(textOf('')).toEqual({ fields: new Map(), body: '' });
});

test.each([
  ['To: x@y.test\n\nx', "a reply's To is not for the text to say"],
  ['Auto-Submitted: no\n\nx', "a reply's Auto-Submitted is not for the text to say"],
  ['Subject: only\n', 'no empty line between the header fields and the text'],
  [Buffer.alloc(70_000, 'x'), 'is too long'],
])('a text that begins %j is refused', (content, reason) => {
  expect(() => textOf(content)).toThrow(reason);
});

test('fields that are not for the text to say can be left out instead', () => {
  writeFileSync(join(dir, 'text'), 'To: x@y.test\nSubject: away\n\nx\n');
  expect(readReplyText(join(dir, 'text'), 'leave out')).toEqual({
    fields: new Map([['subject', 'Subject: away\n']]),
    body: 'x\n',
  });
});

test('a text that is no file is refused at once', () => {
  expect(() => readReplyText(dir)).toThrow('is not a file');
});
