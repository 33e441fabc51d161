// Recorded dialogues with mail servers, held by qmail-remote, once for each recipient, and by qmail-rspawn itself: both
// report what C qmail's pair reports.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClassicHost, messageName } from '../lib/classic-host.ts';
import { RecordedSpawner } from '../lib/recorded-spawner.ts';

const MESSAGE = 'Subject: caf\xe9\n\n.dot\n..\nlast\n';
const ON_THE_WIRE = 'Subject: caf\xe9\r\n\r\n..dot\r\n...\r\nlast\r\n.\r\n';

/** What the server says: first, and then to each line, or to the dot. HANG_UP closes. */
type Dialogue = readonly string[];
const HANG_UP = '';

const OK = ['220 mx', '250 mx', '250 ok', '250 ok', '354 go', '250 ok 812090814 qp 4711'] as const;

interface RecordedServer {
  readonly port: number;
  readonly heard: () => string;
  readonly close: () => void;
}

async function startServer(dialogue: Dialogue): Promise<RecordedServer> {
  let heard = '';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let next = 0;
    let inData = false;
    const say = () => {
      const text = dialogue[next++];
      if (text === undefined) return;
      if (text === HANG_UP) socket.destroy();
      else socket.write(`${text.replaceAll('\n', '\r\n')}\r\n`, 'latin1');
      inData = text.startsWith('354');
    };
    let held = '';
    say();
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      held += chunk.toString('latin1');
      for (;;) {
        const end = inData ? '\r\n.\r\n' : '\r\n';
        const at = held.indexOf(end);
        if (at < 0) return;
        held = held.slice(at + end.length);
        say();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    heard: () => heard,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The usual dialogue up to `place`, where it takes another turn. */
const turn = (place: number, ...rest: string[]): Dialogue => [...OK.slice(0, place), ...rest];

describe.each([
  ['qmail-remote', '0\n'],
  ['qmail-rspawn itself', '20\n'],
])('%s', (_, workers) => {
  let host: ClassicHost;
  let server: RecordedServer | undefined;
  let rspawn: RecordedSpawner | undefined;

  beforeEach(() => {
    host = new ClassicHost({
      remoteworkers: workers,
      timeoutremote: '30\n',
      timeoutconnect: '10\n',
    });
  });
  afterEach(async () => {
    await rspawn?.kill();
    server?.close();
    host.remove();
  });

  async function report(dialogue: Dialogue, message = MESSAGE, sender = 'joe@mail.test') {
    server = await startServer(dialogue);
    host.file('control/smtproutes', `.test:[127.0.0.1]:${server.port}\n`);
    const name = messageName(host.mess(message));
    rspawn = new RecordedSpawner(host, 'qmail-rspawn');
    return rspawn.report(name, sender, 'bob b@far.test');
  }

  test('all is well: the bytes on the wire, and the report', async () => {
    expect(await report(OK)).toBe(
      'K127.0.0.1 accepted message.\nRemote host said: 250 ok 812090814 qp 4711\n',
    );
    expect(server?.heard()).toMatch(/^EHLO mail\.test\r\n/);
    expect(server?.heard().replace(/QUIT\r\n$/, '')).toBe(
      'EHLO mail.test\r\nMAIL FROM:<joe@mail.test>\r\n' +
        `RCPT TO:<"bob b"@far.test>\r\nDATA\r\n${ON_THE_WIRE}`,
    );
  });

  test('control/helohost is the name that is given; HELO will do for a server without EHLO', async () => {
    host.file('control/helohost', 'client.test\n');
    expect(await report(turn(1, '502 what', ...OK.slice(1)), MESSAGE, '')).toMatch(/^K127/);
    expect(server?.heard()).toMatch(/^EHLO client\.test\r\nHELO client\.test\r\nMAIL FROM:<>\r\n/);
  });

  test.each<[string, Dialogue, string]>([
    [
      'no greeting',
      ['554 go away'],
      'ZConnected to 127.0.0.1 but greeting failed.\nRemote host said: 554 go away\n',
    ],
    [
      'not now',
      ['421 busy'],
      'ZConnected to 127.0.0.1 but greeting failed.\nRemote host said: 421 busy\n',
    ],
    [
      'the name refused',
      turn(1, '550 no', '550-who\n550 are you'),
      'ZConnected to 127.0.0.1 but my name was rejected.\nRemote host said: 550-who\n550 are you\n',
    ],
    [
      'the sender put off',
      turn(2, '451 later'),
      'ZConnected to 127.0.0.1 but sender was rejected.\nRemote host said: 451 later\n',
    ],
    [
      'the sender refused',
      turn(2, '553-bad\n250 host'),
      'DConnected to 127.0.0.1 but sender was rejected.\nRemote host said: 553-bad\n250 host\n',
    ],
    [
      'the recipient put off',
      turn(3, '450 greylisted'),
      'Z127.0.0.1 does not like recipient.\nRemote host said: 450 greylisted\nGiving up on 127.0.0.1.\n',
    ],
    [
      'the recipient refused',
      turn(3, '550 no such user'),
      'D127.0.0.1 does not like recipient.\nRemote host said: 550 no such user\nGiving up on 127.0.0.1.\n',
    ],
    [
      'DATA put off',
      turn(4, '451 disk'),
      'Z127.0.0.1 failed on DATA command.\nRemote host said: 451 disk\n',
    ],
    [
      'DATA refused',
      turn(4, '554 no'),
      'D127.0.0.1 failed on DATA command.\nRemote host said: 554 no\n',
    ],
    [
      'the message put off',
      turn(5, '452 full'),
      'Z127.0.0.1 failed after I sent the message.\nRemote host said: 452 full\n',
    ],
    [
      'the message refused',
      turn(5, '554 spam'),
      'D127.0.0.1 failed after I sent the message.\nRemote host said: 554 spam\n',
    ],
    [
      'a break before the dot',
      turn(3, HANG_UP),
      'ZConnected to 127.0.0.1 but connection died. (#4.4.2)\n',
    ],
    [
      'a break after the dot',
      turn(5, HANG_UP),
      'ZConnected to 127.0.0.1 but connection died. Possible duplicate! (#4.4.2)\n',
    ],
  ])('%s', async (__, dialogue, text) => {
    expect(await report(dialogue)).toBe(text);
  });

  test('what SMTP cannot say bounces', async () => {
    expect(await report(OK, 'Subject: x\n\nno line end')).toBe(
      'DSMTP cannot transfer messages with partial final lines. (#5.6.2)\n',
    );
  });

  test('a silent server: the connection has died', async () => {
    host.file('control/timeoutremote', '1\n');
    expect(await report(OK.slice(0, 3))).toBe(
      'ZConnected to 127.0.0.1 but connection died. (#4.4.2)\n',
    );
  });

  test('nobody there', async () => {
    server = await startServer([]);
    server.close();
    host.file('control/smtproutes', `:127.0.0.1:${server.port}\n`);
    rspawn = new RecordedSpawner(host, 'qmail-rspawn');
    expect(await rspawn.report(messageName(host.mess(MESSAGE)), 'a@b', 'c@d')).toBe(
      "ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n",
    );
  });

  test('our own address, where no route says otherwise', async () => {
    rspawn = new RecordedSpawner(host, 'qmail-rspawn');
    expect(await rspawn.report(messageName(host.mess(MESSAGE)), 'a@b', 'c@[127.0.0.1]')).toBe(
      "DSorry. Although I'm listed as a best-preference MX or A for that host,\n" +
        "it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)\n",
    );
  });

  test('control files that are not to be read', async () => {
    rmSync(`${host.home}/control/me`);
    rspawn = new RecordedSpawner(host, 'qmail-rspawn');
    expect(await rspawn.report(messageName(host.mess(MESSAGE)), 'a@b', 'c@d.test')).toBe(
      'ZUnable to read control files. (#4.3.0)\n',
    );
  });
});
