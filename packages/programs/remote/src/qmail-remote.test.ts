// qmail-remote as a process, against SMTP servers that follow a script.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Script } from './testing/mail-server.ts';
import { RemoteTree } from './testing/remote-tree.ts';

const WIRE = 'Subject: hello\r\n\r\n..dot\r\n...\r\nlast\r\n';

let tree: RemoteTree;
beforeAll(async () => {
  tree = await RemoteTree.make();
});
afterAll(() => tree.remove());
afterEach(() => tree.closeServers());

describe('a message that is taken', () => {
  test('arrives byte for byte, in one transaction, and every report says so', async () => {
    const { reports, server } = await tree.sendTo(
      { EHLO: '250 mx.example' },
      { recipients: ['bob@x.example', 'b b@x.example'] },
    );
    expect(reports).toEqual([
      'r',
      'r',
      'K127.0.0.1 accepted message.\nRemote host said: 250 ok 123 qp 456\n',
    ]);
    expect(server.messages).toEqual([WIRE]);
    expect(server.heard.slice(0, 5)).toEqual([
      'EHLO client.example',
      'MAIL FROM:<ann@client.example>',
      'RCPT TO:<bob@x.example>',
      'RCPT TO:<"b b"@x.example>',
      'DATA',
    ]);
  });

  test('is announced with its size and its 8-bit bytes to who wants to know', async () => {
    const { server } = await tree.sendTo({}, { message: 'a\n\xe9\r\n', sender: '' });
    expect(server.heard[1]).toBe('MAIL FROM:<> SIZE=6 BODY=8BITMIME');
    expect(server.messages).toEqual(['a\r\n\xe9\r\n']);
  });

  test('may come through a pipe, and then nothing is announced', async () => {
    const { reports, server } = await tree.sendTo({}, { throughPipe: true });
    expect(reports.at(-1)).toMatch(/^K/);
    expect(server.heard[1]).toBe('MAIL FROM:<ann@client.example>');
    expect(server.messages).toEqual([WIRE]);
  });

  test('of any size does not need to fit anywhere', async () => {
    const line = `${'x'.repeat(70)}\n`;
    const { reports, server } = await tree.sendTo({}, { message: line.repeat(60_000) });
    expect(reports.at(-1)).toMatch(/^K/);
    expect(server.messages[0]?.length).toBe(72 * 60_000);
  });

  test('goes out with its envelope in one write where PIPELINING is announced', async () => {
    const { reports, server } = await tree.sendTo(
      { EHLO: '250-mx.example\r\n250 PIPELINING', 'RCPT TO:<no@x>': '550 unknown' },
      { recipients: ['a@x', 'no@x', 'b@x'] },
    );
    expect(reports.map(([letter]) => letter).join('')).toBe('rhrK');
    expect(server.messages).toEqual([WIRE]);
    expect(server.writes[1]).toBe(
      'MAIL FROM:<ann@client.example>\r\nRCPT TO:<a@x>\r\nRCPT TO:<no@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n',
    );
  });

  test('needs no EHLO: HELO will do, with control/helohost as the name', async () => {
    tree.control('helohost', 'other.example');
    const { reports, server } = await tree.sendTo({ EHLO: '500 what?' });
    tree.control('helohost', undefined);
    expect(reports.at(-1)).toMatch(/^K/);
    expect(server.heard.slice(0, 3)).toEqual([
      'EHLO other.example',
      'HELO other.example',
      'MAIL FROM:<ann@client.example>',
    ]);
  });
});

describe('a message that is refused', () => {
  const IP = '127.0.0.1';
  test.each<[string, Script, readonly string[]]>([
    [
      'by its sender for good',
      { MAIL: '550-no\r\n550 spam' },
      [`DConnected to ${IP} but sender was rejected.\nRemote host said: 550-no\n550 spam\n`],
    ],
    [
      'by its sender for now',
      { MAIL: '451 later' },
      [`ZConnected to ${IP} but sender was rejected.\nRemote host said: 451 later\n`],
    ],
    [
      'by the name of the client',
      { EHLO: '502 no', HELO: '550 who?' },
      [`ZConnected to ${IP} but my name was rejected.\nRemote host said: 550 who?\n`],
    ],
    [
      'by its recipient for good',
      { RCPT: '550 unknown' },
      [
        `h${IP} does not like recipient.\nRemote host said: 550 unknown\n`,
        `DGiving up on ${IP}.\n`,
      ],
    ],
    [
      'by its recipient for now',
      { RCPT: '450 busy' },
      [`s${IP} does not like recipient.\nRemote host said: 450 busy\n`, `DGiving up on ${IP}.\n`],
    ],
    [
      'at DATA for good',
      { DATA: '554 no' },
      ['r', `D${IP} failed on DATA command.\nRemote host said: 554 no\n`],
    ],
    [
      'at DATA for now',
      { DATA: '421 no' },
      ['r', `Z${IP} failed on DATA command.\nRemote host said: 421 no\n`],
    ],
    [
      'by its content for good',
      { message: '554 spam' },
      ['r', `D${IP} failed after I sent the message.\nRemote host said: 554 spam\n`],
    ],
    [
      'by its content for now',
      { message: '451 full' },
      ['r', `Z${IP} failed after I sent the message.\nRemote host said: 451 full\n`],
    ],
    [
      'by a greeting, when there is no other server',
      { greeting: '554 go away' },
      [`ZConnected to ${IP} but greeting failed.\nRemote host said: 554 go away\n`],
    ],
    [
      'by silence and a closed door',
      { RCPT: 'close' },
      [`ZConnected to ${IP} but connection died. (#4.4.2)\n`],
    ],
    [
      'perhaps, or perhaps not',
      { message: 'close' },
      ['r', `ZConnected to ${IP} but connection died. Possible duplicate! (#4.4.2)\n`],
    ],
    [
      'by nonsense',
      { MAIL: 'hello there' },
      [`ZConnected to ${IP} but sender was rejected.\nRemote host said: hello there\n`],
    ],
  ])('%s', async (_name, script, expected) => {
    const { reports, server } = await tree.sendTo(script);
    expect(reports).toEqual(expected);
    expect(server.messages.length).toBe('message' in script ? 1 : 0);
  });

  test('for one recipient reaches the others', async () => {
    const { reports, server } = await tree.sendTo(
      { 'RCPT TO:<a@x>': '550 no\0such user', 'RCPT TO:<b@x>': '450 busy' },
      { recipients: ['a@x', 'b@x', 'c@x'] },
    );
    expect(reports).toEqual([
      `h${IP} does not like recipient.\nRemote host said: 550 no?such user\n`,
      `s${IP} does not like recipient.\nRemote host said: 450 busy\n`,
      'r',
      `K${IP} accepted message.\nRemote host said: 250 ok 123 qp 456\n`,
    ]);
    expect(server.messages).toEqual([WIRE]);
  });

  test('by words without end has a report of bounded length', async () => {
    const endless = Array.from({ length: 2000 }, () => '550-no no no').join('\r\n');
    const { reports } = await tree.sendTo({ MAIL: `${endless}\r\n550 no` });
    expect(reports[0]?.length).toBeLessThan(5200);
    const mad = 'x'.repeat(400_000);
    expect((await tree.sendTo({ MAIL: mad })).reports).toEqual([
      `ZConnected to ${IP} but connection died. (#4.4.2)\n`,
    ]);
  });

  test('by a server that says nothing, when its time is over', async () => {
    tree.control('timeoutremote', '1');
    const { reports } = await tree.sendTo({ MAIL: '' });
    tree.control('timeoutremote', undefined);
    expect(reports).toEqual([`ZConnected to ${IP} but connection died. (#4.4.2)\n`]);
  });
});

describe('with PIPELINING', () => {
  const EHLO = '250-mx.example\r\n250 PIPELINING';
  test.each<[string, Script, readonly string[]]>([
    ['the sender', { MAIL: '550 no', RCPT: '503 no', DATA: '503 no' }, ['DConnected to 127.0.0.1']],
    [
      'all recipients',
      { RCPT: '550 no', DATA: '503 no' },
      ['h127.0.0.1', 'DGiving up on 127.0.0.1'],
    ],
    ['all recipients, but not DATA', { RCPT: '550 no' }, ['h127.0.0.1', 'DGiving up on 127.0.0.1']],
    ['DATA', { DATA: '451 later' }, ['r', 'Z127.0.0.1 failed on DATA command.']],
  ])('a server that refuses %s gets no message', async (_name, script, expected) => {
    const { reports, server } = await tree.sendTo({ EHLO, ...script });
    expect(reports.length).toBe(expected.length);
    for (const [at, start] of expected.entries()) expect(reports[at]?.startsWith(start)).toBe(true);
    expect(server.messages).toEqual([]);
  });
});
