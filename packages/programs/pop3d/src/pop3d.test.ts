import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkfifo } from '@q/posix';
import { connOf } from '@q/session';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newTally, serveMailbox, type Tally } from './session.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pop3d-'));
  for (const sub of ['tmp', 'new', 'cur']) mkdirSync(join(dir, sub));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Puts a message file there; `time` (seconds) decides about the order. */
function put(path: string, content: string, time = 1000): void {
  writeFileSync(join(dir, path), content, 'latin1');
  utimesSync(join(dir, path), time, time);
}

const files = (sub: string) => readdirSync(join(dir, sub)).sort();

/** A session on the maildir, with a client that speaks in whole dialogues. */
class Client {
  readonly #socket: Socket;
  #received = '';
  readonly tally: Tally = newTally();
  readonly over: Promise<unknown>;

  private constructor(socket: Socket, served: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1');
    });
    const conn = connOf(served, served);
    this.over = serveMailbox(conn, dir, this.tally)
      .catch((error: unknown) => error)
      .finally(() => conn.close());
  }

  static async open(): Promise<Client> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
    const client = new Client(socket, await accepted);
    server.close();
    await client.until('+OK \r\n');
    return client;
  }

  /** Sends lines and gives what came back until `end` is there. */
  async say(lines: string, end = '\r\n'): Promise<string> {
    this.#socket.write(lines.replaceAll('\n', '\r\n'), 'latin1');
    return this.until(end);
  }

  async until(end: string): Promise<string> {
    while (!this.#received.endsWith(end)) {
      await new Promise((resolve) => this.#socket.once('data', resolve));
    }
    const got = this.#received;
    this.#received = '';
    return got;
  }

  /** Sends lines, closes that direction, and gives everything that came until the server closed. */
  async finish(lines: string): Promise<string> {
    this.#socket.end(lines.replaceAll('\n', '\r\n'), 'latin1');
    await this.over;
    if (!this.#socket.readableEnded)
      await new Promise((resolve) => this.#socket.once('close', resolve));
    return this.#received;
  }

  vanish(): void {
    this.#socket.destroy();
  }
}

const dialogue = async (lines: string) => (await Client.open()).finish(lines);

test('messages are counted from 1, oldest first, with qmail’s texts', async () => {
  put('new/1.b.h', 'A: 1\n\nsecond\n', 2000);
  put('cur/1.a.h:2,S', 'A: 1\n\n.first', 1000);
  expect(
    await dialogue('stat\nLIST\nLIST 2\nUIDL\nUIDL 1\nRETR 1\nTOP 2 0\nNOOP\nLAST\nQUIT\n'),
  ).toBe(
    '+OK 2 25\r\n' +
      '+OK \r\n1 12\r\n2 13\r\n.\r\n' +
      '+OK 2 13\r\n' +
      '+OK \r\n1 1.a.h\r\n2 1.b.h\r\n.\r\n' +
      '+OK 1 1.a.h\r\n' +
      '+OK \r\nA: 1\r\n\r\n..first\r\n\r\n.\r\n' +
      '+OK \r\nA: 1\r\n\r\n\r\n.\r\n' +
      '+OK \r\n+OK 0\r\n+OK \r\n',
  );
});

test('only QUIT removes; STAT goes on counting what is marked, and LIST does not', async () => {
  for (const n of [1, 2, 3]) put(`new/${n}.h`, 'x\n', n);
  const client = await Client.open();
  expect(await client.say('DELE 2\nDELE 2\nSTAT\nLIST\nLAST\nRETR 2\n', 'deleted\r\n')).toBe(
    '+OK \r\n-ERR already deleted\r\n+OK 3 4\r\n+OK \r\n1 2\r\n3 2\r\n.\r\n+OK 2\r\n-ERR already deleted\r\n',
  );
  expect(files('new')).toHaveLength(3);
  expect(await client.finish('QUIT\n')).toBe('+OK \r\n');
  expect(files('new')).toEqual([]);
  expect(files('cur')).toEqual(['1.h:2,', '3.h:2,']);
  expect(client.tally).toEqual({ retrieved: 0, bytes: 0, deleted: 1 });
});

test('RSET takes the marks back', async () => {
  put('new/1.h', 'x\n');
  expect(await dialogue('DELE 1\nRSET\nLAST\nSTAT\nQUIT\n')).toBe(
    '+OK \r\n+OK \r\n+OK 0\r\n+OK 1 2\r\n+OK \r\n',
  );
  expect(files('cur')).toEqual(['1.h:2,']);
});

test('a connection that breaks, or ends without QUIT, changes nothing', async () => {
  put('new/1.h', 'x\n');
  const client = await Client.open();
  await client.say('DELE 1\n');
  client.vanish();
  await client.over;
  expect(await dialogue('DELE 1\n')).toBe('+OK \r\n');
  expect(files('new')).toEqual(['1.h']);
});

test('numbers that are none, or too large, are refused each in its own words', async () => {
  put('new/1.h', 'x\n');
  const replies = await dialogue(
    'RETR -1\nRETR 0\nRETR 2\nRETR 18446744073709551617\nDELE 4294967297\nTOP 1 -1\nLIST x\nUIDL 1x\nTOP\nDELE\n',
  );
  expect(replies.split('\r\n')).toEqual([
    '-ERR syntax error',
    '-ERR messages are counted from 1',
    '-ERR not that many messages',
    '-ERR not that many messages',
    '-ERR not that many messages',
    '-ERR syntax error',
    '-ERR syntax error',
    '-ERR syntax error',
    '-ERR syntax error',
    '-ERR syntax error',
    '',
  ]);
  expect(files('new')).toEqual(['1.h']);
});

test('twenty bad commands in a row are enough, and so is a line without end', async () => {
  const replies = await dialogue(`${'XYZZY\n'.repeat(19)}NOOP\n${'A\0B \0\n'.repeat(30)}`);
  expect(replies.match(/-ERR unimplemented|-ERR syntax error/g)).toHaveLength(39);
  expect(replies.endsWith('-ERR too many bad commands\r\n')).toBe(true);
  expect(await dialogue(`NOOP\n${'x'.repeat(10_000)}`)).toBe(
    '+OK \r\n-ERR command line too long\r\n',
  );
});

test('a message that another session renamed is found again, to read and to remove', async () => {
  for (const n of [1, 2]) put(`new/${n}.h`, `A: ${n}\n\n`, n);
  const client = await Client.open();
  renameSync(join(dir, 'new/1.h'), join(dir, 'cur/1.h:2,FS'));
  renameSync(join(dir, 'new/2.h'), join(dir, 'cur/2.h:2,'));
  expect(await client.say('RETR 1\n', '\r\n.\r\n')).toContain('A: 1');
  renameSync(join(dir, 'cur/1.h:2,FS'), join(dir, 'cur/1.h:2,S'));
  expect(await client.finish('DELE 1\nQUIT\n')).toBe('+OK \r\n+OK \r\n');
  expect(files('cur')).toEqual(['2.h:2,']);
});

test('a message that is gone is an error to read and none to remove: two sessions do no harm', async () => {
  for (const n of [1, 2]) put(`new/${n}.h`, 'x\n', n);
  const [one, other] = [await Client.open(), await Client.open()];
  expect(await one.finish('DELE 1\nQUIT\n')).toBe('+OK \r\n+OK \r\n');
  expect(await other.finish('RETR 1\nDELE 1\nRETR 2\nQUIT\n')).toBe(
    '-ERR unable to open that message\r\n+OK \r\n+OK \r\nx\r\n\r\n.\r\n+OK \r\n',
  );
  expect(files('cur')).toEqual(['2.h:2,']);
});

test('maildirsize is told of what QUIT removed, and not of what was gone before', async () => {
  put('cur/1.a.h,S=4:2,S', 'one\n');
  put('cur/2.b.h:2,', 'twenty two\n');
  put('cur/3.c.h:2,T', 'trash\n');
  put('new/4.d.h', 'four\n');
  put('maildirsize', '1000S\n26 4\n');
  const client = await Client.open();
  expect(await client.finish('DELE 1\nDELE 2\nDELE 3\nQUIT\n')).toBe('+OK \r\n'.repeat(4));
  expect(readFileSync(join(dir, 'maildirsize'), 'latin1')).toMatch(/^1000S\n26 4\n *-15 +-2\n$/);
  const late = await Client.open();
  unlinkSync(join(dir, 'cur/4.d.h:2,'));
  expect(await late.finish('DELE 1\nQUIT\n')).toBe('+OK \r\n+OK \r\n');
  expect(readFileSync(join(dir, 'maildirsize'), 'latin1').split('\n').length).toBe(4);
});

test('a message that cannot be removed is said so at QUIT', async () => {
  put('new/1.h', 'x\n');
  const client = await Client.open();
  await client.say('DELE 1\n');
  unlinkSync(join(dir, 'new/1.h'));
  mkdirSync(join(dir, 'new/1.h'));
  // A directory cannot be unlinked by anyone; root may remove any file.
  expect(await client.finish('QUIT\n')).toBe(
    '-ERR unable to unlink all deleted messages\r\n+OK \r\n',
  );
});

test('what is no message is not listed: FIFOs, directories, links to them, names with a dot', async () => {
  put('new/1.h', 'x\n');
  put('new/.hidden', 'x\n');
  mkdirSync(join(dir, 'cur/directory'));
  symlinkSync('directory', join(dir, 'cur/5.1.h,S=9:2,'));
  symlinkSync('nowhere', join(dir, 'cur/6.1.h,S=9:2,'));
  symlinkSync('fifo', join(dir, 'cur/link'));
  mkfifo(join(dir, 'cur/fifo'), 0o600);
  expect(await dialogue('STAT\nQUIT\n')).toBe('+OK 1 2\r\n+OK \r\n');
});

test('a bulletin, which is a link, is listed, read, and removed without what it leads to', async () => {
  writeFileSync(join(dir, 'bulletin'), 'news\n');
  symlinkSync('../bulletin', join(dir, 'new/7.1.bulletin'));
  expect(await dialogue('STAT\nRETR 1\nDELE 1\nQUIT\n')).toBe(
    '+OK 1 5\r\n+OK \r\nnews\r\n\r\n.\r\n+OK \r\n+OK \r\n',
  );
  expect(readdirSync(join(dir, 'new'))).toEqual([]);
  expect(readFileSync(join(dir, 'bulletin'), 'latin1')).toBe('news\n');
});

test('a file that became a FIFO, or a link to no file, is not waited for and not read', async () => {
  for (const n of [1, 2]) put(`new/${n}.h`, 'x\n', n);
  const client = await Client.open();
  for (const n of [1, 2]) unlinkSync(join(dir, `new/${n}.h`));
  mkfifo(join(dir, 'new/1.h'), 0o600);
  symlinkSync('1.h', join(dir, 'new/2.h'));
  const refusal = '-ERR unable to open that message\r\n';
  expect(await client.finish('RETR 1\nRETR 2\n')).toBe(refusal + refusal);
});

test('a size in the name is believed, and the file is not looked at', async () => {
  writeFileSync(join(dir, 'cur/5.1.h,S=4711:2,'), 'x\n');
  writeFileSync(join(dir, 'cur/4.1.h,S=-1:2,'), 'xyz\n');
  expect(await dialogue('LIST\nRETR 1\n')).toBe(
    '+OK \r\n1 4711\r\n2 4\r\n.\r\n+OK \r\nx\r\n\r\n.\r\n',
  );
});

test('unique-ids are unique and printable, whatever the names; two files of one name are two messages', async () => {
  put('cur/1.h:2,', 'x\n', 1);
  put('cur/1.h:2,S', 'y\n', 2);
  put(`cur/${'n'.repeat(200)}`, 'z\n', 3);
  writeFileSync(
    Buffer.concat([Buffer.from(`${dir}/cur/`), Buffer.from([0xff, 0x20, 0x0a])]),
    'w\n',
  );
  const list = (await dialogue('UIDL\n')).split('\r\n').slice(1, -2);
  const uids = list.map((line) => line.split(' ')[1] as string);
  expect(uids).toHaveLength(4);
  expect(new Set(uids).size).toBe(4);
  for (const uid of uids) expect(uid).toMatch(/^[\x21-\x7e]{1,70}$/);
  expect(uids[0]).toBe('1.h');
});

test('of two files of one name the one that was marked is removed', async () => {
  put('cur/1.h:2,', 'x\n', 1);
  put('cur/1.h:2,S', 'y\n', 2);
  expect(await dialogue('DELE 2\nQUIT\n')).toBe('+OK \r\n+OK \r\n');
  expect(files('cur')).toEqual(['1.h:2,']);
});

test('a message of 5 MB arrives byte for byte', async () => {
  const lines = Array.from(
    { length: 80_000 },
    (_, i) => `${'.'.repeat(i % 4)}${i} ${'x'.repeat(i % 120)}`,
  );
  const content = `A: b\n\n${lines.join('\n')}\n`;
  expect(content.length).toBeGreaterThan(5_000_000);
  put('new/1.h', content);
  const reply = await dialogue('RETR 1\nQUIT\n');
  const sent = `A: b\n\n${lines.map((line) => line.replace(/^\./, '..')).join('\n')}\n\n.\n+OK \n`;
  expect(reply === `+OK \r\n${sent.replaceAll('\n', '\r\n')}`).toBe(true);
});

test('tmp is cleaned of what nobody has touched for 36 hours', async () => {
  put('tmp/old', 'x\n', 1000);
  writeFileSync(join(dir, 'tmp/young'), 'x\n');
  await dialogue('QUIT\n');
  expect(existsSync(join(dir, 'tmp/old'))).toBe(false);
  expect(existsSync(join(dir, 'tmp/young'))).toBe(true);
});

test('no maildir, or one that cannot be scanned, is told apart', async () => {
  const reply = async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect((server.address() as { port: number }).port, '127.0.0.1');
    const served = await new Promise<Socket>((resolve) => server.once('connection', resolve));
    server.close();
    const conn = connOf(served, served);
    await serveMailbox(conn, dir, newTally());
    await conn.close();
    let text = '';
    for await (const chunk of client) text += chunk;
    return text;
  };
  rmSync(join(dir, 'cur'), { recursive: true });
  expect(await reply()).toBe('-ERR unable to scan $HOME/Maildir\r\n');
  rmSync(dir, { recursive: true });
  expect(await reply()).toBe('-ERR this user has no $HOME/Maildir\r\n');
});

test('CAPA names what holds', async () => {
  expect(await dialogue('CAPA\n')).toMatch(/^\+OK [^\r\n]*\r\nTOP\r\nUIDL\r\n(.+\r\n)*\.\r\n$/);
});
