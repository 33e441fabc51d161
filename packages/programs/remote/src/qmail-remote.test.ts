// qmail-remote as a process, against SMTP servers that follow a script.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildExecutables } from '@q/spawn/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type MailServer, type Script, startMailServer } from './testing/mail-server.ts';
import { startNameServer } from './testing/name-server.ts';
import { type QmtpScript, startQmtpServer } from './testing/qmtp-server.ts';

const hasIPv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

let home: string;
const open: { close(): void }[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'remote-'));
  chmodSync(home, 0o755);
  await buildExecutables(home, ['qmail-remote']);
  for (const dir of ['control', 'queue', 'queue/lock']) mkdirSync(join(home, dir));
  control('me', 'client.example');
  writeFileSync(join(home, 'queue/lock/tcpto'), Buffer.alloc(1024));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

function control(name: string, content: string | undefined): void {
  const file = join(home, 'control', name);
  if (content === undefined) rmSync(file, { force: true });
  else writeFileSync(file, `${content}\n`);
}

async function mailServer(script: Script = {}, host?: string, port?: number): Promise<MailServer> {
  const server = await startMailServer(script, host, port);
  open.push(server);
  return server;
}

interface Attempt {
  readonly host?: string;
  readonly sender?: string;
  readonly recipients?: readonly string[];
  readonly message?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
  readonly throughPipe?: boolean;
}

const MESSAGE = 'Subject: hello\n\n.dot\n..\nlast\n';
const WIRE = 'Subject: hello\r\n\r\n..dot\r\n...\r\nlast\r\n';

/** What it prints, its reports apart; each must have been ended by NUL. */
async function send(attempt: Attempt = {}): Promise<string[]> {
  const file = join(home, 'message');
  const message = attempt.message ?? MESSAGE;
  writeFileSync(file, message, 'latin1');
  const fd = openSync(file, 'r');
  const args = attempt.args ?? [
    attempt.host ?? 'x.example',
    attempt.sender ?? 'ann@client.example',
    ...(attempt.recipients ?? ['bob@x.example']),
  ];
  const child = spawn(join(home, 'bin/qmail-remote'), args, {
    env: { PATH: process.env.PATH, QMAILHOME: home, ...attempt.env },
    stdio: [attempt.throughPipe ? 'pipe' : fd, 'pipe', 'inherit'],
  });
  closeSync(fd);
  child.stdin?.on('error', () => {});
  child.stdin?.end(Buffer.from(message, 'latin1'));
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString('latin1');
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  expect(out.endsWith('\0')).toBe(true);
  return out.slice(0, -1).split('\0');
}

/** Sends to a server with that script, found by a route. */
async function sendTo(script: Script, attempt: Attempt = {}) {
  const server = await mailServer(script);
  control('smtproutes', `x.example:127.0.0.1:${server.port}`);
  const reports = await send(attempt);
  return { reports, server };
}

describe('a message that is taken', () => {
  test('arrives byte for byte, in one transaction, and every report says so', async () => {
    const { reports, server } = await sendTo(
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
    const { server } = await sendTo({}, { message: 'a\n\xe9\r\n', sender: '' });
    expect(server.heard[1]).toBe('MAIL FROM:<> SIZE=6 BODY=8BITMIME');
    expect(server.messages).toEqual(['a\r\n\xe9\r\n']);
  });

  test('may come through a pipe, and then nothing is announced', async () => {
    const { reports, server } = await sendTo({}, { throughPipe: true });
    expect(reports.at(-1)).toMatch(/^K/);
    expect(server.heard[1]).toBe('MAIL FROM:<ann@client.example>');
    expect(server.messages).toEqual([WIRE]);
  });

  test('of any size does not need to fit anywhere', async () => {
    const line = `${'x'.repeat(70)}\n`;
    const { reports, server } = await sendTo({}, { message: line.repeat(60_000) });
    expect(reports.at(-1)).toMatch(/^K/);
    expect(server.messages[0]?.length).toBe(72 * 60_000);
  });

  test('goes out with its envelope in one write where PIPELINING is announced', async () => {
    const { reports, server } = await sendTo(
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
    control('helohost', 'other.example');
    const { reports, server } = await sendTo({ EHLO: '500 what?' });
    control('helohost', undefined);
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
    const { reports, server } = await sendTo(script);
    expect(reports).toEqual(expected);
    expect(server.messages.length).toBe('message' in script ? 1 : 0);
  });

  test('for one recipient reaches the others', async () => {
    const { reports, server } = await sendTo(
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
    const { reports } = await sendTo({ MAIL: `${endless}\r\n550 no` });
    expect(reports[0]?.length).toBeLessThan(5200);
    const mad = 'x'.repeat(400_000);
    expect((await sendTo({ MAIL: mad })).reports).toEqual([
      `ZConnected to ${IP} but connection died. (#4.4.2)\n`,
    ]);
  });

  test('by a server that says nothing, when its time is over', async () => {
    control('timeoutremote', '1');
    const { reports } = await sendTo({ MAIL: '' });
    control('timeoutremote', undefined);
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
    const { reports, server } = await sendTo({ EHLO, ...script });
    expect(reports.length).toBe(expected.length);
    for (const [at, start] of expected.entries()) expect(reports[at]?.startsWith(start)).toBe(true);
    expect(server.messages).toEqual([]);
  });
});

describe('control/bindroutes', () => {
  afterEach(() => control('bindroutes', undefined));

  test('names the address from which mail for a domain goes out', async () => {
    control('bindroutes', 'x.example:127.0.0.9,[::1]');
    expect((await sendTo({})).server.peers()).toEqual(['127.0.0.9']);
    control('bindroutes', ':127.0.0.8\n.example:127.0.0.7');
    expect((await sendTo({})).server.peers()).toEqual(['127.0.0.7']);
    control('bindroutes', 'other.example:127.0.0.9');
    expect((await sendTo({})).server.peers()).toEqual(['127.0.0.1']);
  });

  test('holds mail back when its address is none, or none of ours', async () => {
    control('bindroutes', 'x.example:mail.example');
    expect((await sendTo({})).reports).toEqual(['Zbad bindroute: mail.example\n']);
    control('bindroutes', 'x.example:192.0.2.77');
    expect((await sendTo({})).reports).toEqual([
      "ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n",
    ]);
  });
});

describe('by QMTP', () => {
  const ok = 'Kok 1000 qp 5';

  async function qmtpTo(answers: QmtpScript, attempt: Attempt = {}) {
    const server = await startQmtpServer(answers);
    open.push(server);
    control('qmtproutes', `x.example:127.0.0.1:${server.port}`);
    const reports = await send(attempt);
    control('qmtproutes', undefined);
    return { reports, server };
  }

  test('a message goes as it lies in the file, with a last line or without', async () => {
    for (const message of [MESSAGE, 'a\r\n\xe9 half', '', 'x'.repeat(200_000)]) {
      const { reports, server } = await qmtpTo([ok], { message, recipients: ['b "b"@x.example'] });
      expect(reports).toEqual([
        'r',
        `K127.0.0.1 accepted message.\nRemote host said: ok 1000 qp 5\n`,
      ]);
      expect(server.messages).toEqual([
        { content: `\n${message}`, sender: 'ann@client.example', recipients: ['b "b"@x.example'] },
      ]);
    }
  });

  test('each recipient has its own answer', async () => {
    const { reports } = await qmtpTo([ok, 'Dno such user', 'Zfull', 'what?'], {
      recipients: ['a@x', 'b@x', 'c@x', 'd@x'],
    });
    expect(reports).toEqual([
      'r',
      'h127.0.0.1 does not like recipient.\nRemote host said: no such user\n',
      's127.0.0.1 does not like recipient.\nRemote host said: full\n',
      's127.0.0.1 does not like recipient.\nRemote host said: hat?\n',
      'K127.0.0.1 accepted message.\nRemote host said: ok 1000 qp 5\n',
    ]);
    expect((await qmtpTo(['Dno'])).reports.at(-1)).toBe('DGiving up on 127.0.0.1.\n');
  });

  test('a server that hangs up may have taken the message, and one that talks nonsense too', async () => {
    const died = 'ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\n';
    expect((await qmtpTo('close')).reports).toEqual([died]);
    expect((await qmtpTo('220 hello\r\n')).reports).toEqual([died]);
    const half = await qmtpTo([ok], { recipients: ['a@x', 'b@x'] });
    expect(half.reports[0]).toBe('r');
    expect(half.reports[1]).toBe(`s${died.slice(1)}`);
    expect(half.reports[2]).toMatch(/^K/);
  });

  test('a pipe cannot be sent: its size is not known beforehand', async () => {
    expect((await qmtpTo([ok], { throughPipe: true })).reports[0]).toMatch(
      /^ZSorry, I can send only/,
    );
  });
});

describe('before any server is asked', () => {
  test('a message without a last newline cannot be said', async () => {
    const expected = 'DSMTP cannot transfer messages with partial final lines. (#5.6.2)\n';
    const { reports, server } = await sendTo({}, { message: 'Subject: x\n\nhalf' });
    expect(reports).toEqual([expected]);
    expect(server.connections()).toBe(0);
    const piped = await sendTo({}, { message: 'Subject: x\n\nhalf', throughPipe: true });
    expect(piped.reports).toEqual(['r', expected]);
    expect(piped.server.messages).toEqual([]);
  });

  test('an address with a line break in it never gets out', async () => {
    for (const attempt of [
      { sender: 'a@b>\r\nRCPT TO:<victim@x.example' },
      { recipients: ['"a\nDATA"@x.example'] },
    ]) {
      const { reports, server } = await sendTo({}, attempt);
      expect(reports[0]).toMatch(/^DSorry, I can't send to or from/);
      expect(server.heard).toEqual([]);
    }
  });

  test('a wrong call, and controls that cannot be read, are told', async () => {
    expect(await send({ args: ['x.example', 'ann@client.example'] })).toEqual([
      'DI (qmail-remote) was invoked improperly. (#5.3.5)\n',
    ]);
    control('me', undefined);
    expect(await send()).toEqual(['ZUnable to read control files. (#4.3.0)\n']);
    control('me', 'client.example');
    expect(await send({ env: { QMAILHOME: '/no/such/home' } })).toEqual([
      'ZUnable to switch to home directory. (#4.3.0)\n',
    ]);
  });

  test('mail for ourselves is a loop', async () => {
    control('smtproutes', undefined);
    const names = await startNameServer({ 'x.example': { addresses: ['127.0.0.1'] } });
    open.push(names);
    for (const host of ['x.example', '[127.0.0.1]', '[IPv6:::1]', '0.0.0.0']) {
      expect(await send({ host, env: { QMAILDNS: names.address } })).toEqual([
        "DSorry. Although I'm listed as a best-preference MX or A for that host,\n" +
          "it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)\n",
      ]);
    }
  });

  test('names that are not there bounce, names that cannot be asked for wait', async () => {
    control('smtproutes', undefined);
    const names = await startNameServer({ 'soft.example': { failure: 2 } });
    open.push(names);
    const env = { QMAILDNS: names.address };
    expect(await send({ env })).toEqual([
      "DSorry, I couldn't find any host named x.example. (#5.1.2)\n",
    ]);
    expect(await send({ host: 'soft.example', env })).toEqual([
      "ZSorry, I couldn't find any host by that name. (#4.1.2)\n",
    ]);
  });
});

describe('of several servers', () => {
  const relay = { addresses: ['127.0.0.2', '127.0.0.3'] };

  test('the next is tried when one cannot be reached, refuses to greet, or hangs up', async () => {
    const good = await mailServer({}, '127.0.0.3');
    control('smtproutes', `x.example:relay.example:${good.port}`);
    const names = await startNameServer({ 'relay.example': relay });
    open.push(names);
    const env = { QMAILDNS: names.address };
    const accepted = ['r', 'K127.0.0.3 accepted message.\nRemote host said: 250 ok 123 qp 456\n'];
    expect(await send({ env })).toEqual(accepted);
    for (const greeting of ['421 busy', '554 no', 'close']) {
      const bad = await mailServer({ greeting }, '127.0.0.2', good.port);
      expect(await send({ env })).toEqual(accepted);
      expect(bad.connections()).toBe(1);
      bad.close();
    }
  });

  test('what the last one said is told when none takes it', async () => {
    const last = await mailServer({ greeting: '554 last' }, '127.0.0.3');
    await mailServer({ greeting: '421 first' }, '127.0.0.2', last.port);
    control('smtproutes', `x.example:relay.example:${last.port}`);
    const names = await startNameServer({ 'relay.example': relay });
    open.push(names);
    expect(await send({ env: { QMAILDNS: names.address } })).toEqual([
      'ZConnected to 127.0.0.3 but greeting failed.\nRemote host said: 554 last\n',
    ]);
  });

  test.runIf(hasIPv6)('one over IPv6 is as good as any (needs ::1)', async () => {
    const server = await mailServer({}, '::1');
    control('smtproutes', `x.example:[::1]:${server.port}`);
    expect((await send()).at(-1)).toBe(
      'K::1 accepted message.\nRemote host said: 250 ok 123 qp 456\n',
    );
  });

  test('nobody there means later', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as { port: number };
    closed.close();
    control('smtproutes', `x.example:127.0.0.1:${port}`);
    expect(await send()).toEqual([
      "ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n",
    ]);
  });

  test('one that has timed out twice lately is not asked', async () => {
    const table = Buffer.alloc(1024);
    table.set([127, 0, 0, 1, 2]);
    table.writeUInt32LE(Math.floor(Date.now() / 1000), 8);
    writeFileSync(join(home, 'queue/lock/tcpto'), table);
    const { reports, server } = await sendTo({});
    expect(reports).toEqual(["ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"]);
    expect(server.connections()).toBe(0);
    table.writeUInt32LE(1, 8);
    writeFileSync(join(home, 'queue/lock/tcpto'), table);
    expect((await sendTo({})).reports.at(-1)).toMatch(/^K/);
    expect(readFileSync(join(home, 'queue/lock/tcpto'))[4]).toBe(0);
  });
});
