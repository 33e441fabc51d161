// imapd --listen with real processes: what its sessions share, what they tell each other, and how they end.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import { makeCertificate } from '@q/tls/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapTalk } from './lib/imap-talk.ts';
import { DOMAIN, type MailHost, startMailHost } from './lib/mail-host.ts';
import { processesOf, residentOf, until } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';

let host: MailHost;
beforeAll(async () => {
  host = await startMailHost({
    program: 'imapd',
    mode: isRoot ? 'root' : 'private',
    words: ['--max', '100'],
    env: { IMAP_APPENDLIMIT: '100000', IMAP_ID_FIELDS: '2' },
  });
});
afterAll(() => host.remove());

async function open(user = 'ann'): Promise<ImapTalk> {
  const talk = await ImapTalk.open(host.port);
  const got = await talk.say(`l LOGIN ${user}@${DOMAIN} "${host.users[user]}"\n`, 'l');
  expect(got).toMatch(/^l OK \[CAPABILITY IMAP4rev1 .*\] Logged in\r\n$/);
  return talk;
}

describe('IDLE', () => {
  test('tells of a delivery and of another session’s work, and of DONE’s end', async () => {
    const idler = await open();
    const worker = await open();
    await idler.say('a SELECT INBOX\n', 'a');
    idler.send('b IDLE\n');
    await idler.until(/\+ idling\r\n/);
    host.put('ann', '1.idle.h', 'A: b\n\nhello\n');
    await idler.until(/\* 1 EXISTS\r\n/);
    await worker.say('a SELECT INBOX\n', 'a');
    await worker.say('b STORE 1 +FLAGS (\\Flagged)\n', 'b');
    await idler.until(/\* 1 FETCH \(.*\\Flagged.*\)\r\n/);
    await worker.say('c STORE 1 +FLAGS (\\Deleted)\nd EXPUNGE\n', 'd');
    await idler.until(/\* 1 EXPUNGE\r\n/);
    idler.send('DONE\n');
    expect(await idler.until(/b .*\r\n/)).toMatch(/b OK /);
    for (const talk of [idler, worker]) await talk.finish('z LOGOUT\n');
  });

  test('ends with BAD at any other word, and the session goes on', async () => {
    const talk = await open();
    talk.send('a IDLE\n');
    await talk.until(/\+ idling\r\n/);
    expect(await talk.say('b NOOP\nc NOOP\n', 'c')).toMatch(/^a BAD .*\r\nc OK Done\r\n$/);
    talk.send('d IDLE\n');
    await talk.until(/\+ idling\r\n/);
    talk.sendRaw('x'.repeat(100_000));
    expect(await talk.say('\ne NOOP\n', 'e')).toMatch(/d BAD [^\n]*\r\ne OK Done\r\n$/);
    talk.destroy();
  });
});

test('a mailbox that is removed under a session ends it with a word, in IDLE too', async () => {
  const idler = await open();
  const worker = await open();
  expect(await worker.say('a CREATE Doomed\n', 'a')).toMatch(/^a OK/);
  await idler.say('a SELECT Doomed\n', 'a');
  idler.send('b IDLE\n');
  await idler.until(/\+ idling\r\n/);
  const other = await open();
  await other.say('a SELECT Doomed\n', 'a');
  expect(await worker.say('b DELETE Doomed\n', 'b')).toMatch(/b OK/);
  expect(await idler.until(/\* BYE .*\r\n/)).toContain('BYE');
  expect(await other.finish('b NOOP\n')).toMatch(/\* BYE /);
  expect(await worker.say('c NOOP\n', 'c')).toBe('c OK Done\r\n');
  worker.destroy();
});

test('commands in the wrong state are BAD, those it does not know, too', async () => {
  const talk = await open();
  const got = await talk.say(
    'a FETCH 1 FLAGS\nb LOGIN x y\nc STARTTLS\nd CHECK\ne FROBNICATE\nf UID NOOP\ng NOOP\n',
    'g',
  );
  expect(got.match(/^[a-g] [A-Z]+/gm)).toEqual([
    'a BAD',
    'b BAD',
    'c BAD',
    'd BAD',
    'e BAD',
    'f BAD',
    'g OK',
  ]);
  talk.destroy();
});

test('ENABLE, ID and CAPABILITY say what there is', async () => {
  const talk = await open();
  expect(await talk.say('a ENABLE CONDSTORE X-NONSENSE IMAP4rev2\n', 'a')).toMatch(
    /^\* ENABLED CONDSTORE IMAP4REV2\r\na OK/i,
  );
  expect(await talk.say('b ID NIL\n', 'b')).toBe(
    '* ID ("name" "qmail-ts" "os" "Linux")\r\nb OK That is us\r\n',
  );
  expect(await talk.say('c CAPABILITY\n', 'c')).toMatch(
    /^\* CAPABILITY IMAP4rev1 .* APPENDLIMIT=100000\r\nc OK/,
  );
  talk.destroy();
});

describe('APPEND', () => {
  const spools = () =>
    readdirSync(join(host.maildir('ben'), 'tmp')).filter((name) => name !== 'courier.lock');

  test('is refused before its bytes are asked for', async () => {
    const talk = await open('ben');
    expect(await talk.say('a APPEND Nowhere {10}\n', 'a')).toMatch(/^a NO \[TRYCREATE\]/);
    expect(await talk.say('b APPEND INBOX {100001}\n', 'b')).toMatch(/^b NO \[TOOBIG\]/);
    expect(await talk.say('c APPEND INBOX {4294967295}\n', 'c')).toMatch(/^c NO \[TOOBIG\]/);
    expect(await talk.say('d APPEND ../../etc {10}\n', 'd')).toMatch(/^d NO \[CANNOT\]/);
    // A client that does not wait sends its bytes in any case.
    expect(await talk.say('e APPEND Nowhere {6+}\nA: b\n\nf NOOP\n', 'f')).toMatch(
      /^e NO \[TRYCREATE\].*\r\nf OK/,
    );
    talk.destroy();
  });

  test('with a NUL is refused, and nothing is left of it', async () => {
    const talk = await open('ben');
    talk.send('a APPEND INBOX {4}\n');
    await talk.until(/\+ .*\r\n/);
    expect(await talk.say('A\0:b\n', 'a')).toMatch(/^a (NO|BAD) /);
    talk.destroy();
    await until('tmp is empty', () => spools().length === 0);
  });

  test('that breaks off leaves nothing', async () => {
    const talk = await open('ben');
    talk.send('a APPEND INBOX {5000}\n');
    await talk.until(/\+ .*\r\n/);
    talk.send('Subject: half\n');
    await until('it is on its way', () => spools().length > 0);
    talk.destroy();
    await until('tmp is empty', () => spools().length === 0);
    const after = await open('ben');
    expect(await after.say('a SELECT INBOX\n', 'a')).toContain('* 0 EXISTS');
    after.destroy();
  });

  test('comes back as it was sent, however it was cut', async () => {
    const message = Array.from(
      { length: 900 },
      (_, i) => `line ${i} ${'y'.repeat(i % 90)}\r\n`,
    ).join('');
    const talk = await open('ben');
    talk.send(`a APPEND INBOX (\\Seen) {${message.length}}\n`);
    await talk.until(/\+ .*\r\n/);
    for (let at = 0; at < message.length; at += 1777) talk.sendRaw(message.slice(at, at + 1777));
    talk.sendRaw('\r\n');
    expect(await talk.until(/a (OK|NO|BAD).*\r\n/)).toMatch(/a OK \[APPENDUID/);
    await talk.say('b SELECT INBOX\n', 'b');
    const got = await talk.say('c FETCH * BODY.PEEK[]\n', 'c');
    expect(got.includes(`{${message.length}}\r\n${message})`)).toBe(true);
    talk.destroy();
  });
});

test('after COMPRESS all goes on compressed, and a second time it is refused', async () => {
  const talk = await open();
  expect(await talk.say('a COMPRESS DEFLATE\n', 'a')).toMatch(/^a OK/);
  const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
  const inflate = createInflateRaw();
  deflate.pipe(talk.socket);
  talk.socket.pipe(inflate);
  let heard = '';
  inflate.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  inflate.on('error', () => {});
  deflate.write('b COMPRESS DEFLATE\r\nc SELECT INBOX\r\nd CAPABILITY\r\n');
  await until('the answers', () => /^d OK/m.test(heard));
  expect(heard).toMatch(/^b NO \[COMPRESSIONACTIVE\]/);
  expect(heard).toMatch(/^c OK/m);
  expect(heard).not.toContain('COMPRESS=DEFLATE');
  deflate.write('e LOGOUT\r\n');
  await until('the end', () => /^e OK/m.test(heard));
  await talk.closed();
});

test('a client that reads nothing does not fill the memory, and the others are served', async () => {
  const text = `Subject: big\n\n${'0123456789abcdef\n'.repeat(60_000)}`;
  host.put('ann', '2.big.h', text);
  const greedy = await open();
  await greedy.say('a SELECT INBOX\n', 'a');
  greedy.socket.pause();
  const before = residentOf(host.home);
  for (let i = 0; i < 200; i++) greedy.send(`t${i} FETCH 1:* BODY.PEEK[]\n`);
  const talk = await open();
  expect(await talk.say('a SELECT INBOX\nb NOOP\n', 'b')).toMatch(/b OK/);
  // All of it would be 200 MB.
  expect(residentOf(host.home) - before).toBeLessThan(100 * 1024);
  talk.destroy();
  greedy.destroy();
});

test('the log has a line for each login and for each end', async () => {
  const talk = await open();
  await talk.finish('a LOGOUT\n');
  const gone = await open();
  gone.destroy();
  await until('both ends are logged', () => /: DISCONNECTED, user=ann@/.test(host.log()));
  expect(host.log()).toMatch(
    /imapd: LOGOUT, user=ann@virtual\.test, ip=\[127\.0\.0\.1\], port=\[[0-9]+\], headers=[0-9]+, body=[0-9]+, rcvd=[0-9]+, sent=[0-9]+, time=[0-9]+\n/,
  );
});

const IMAPLIB = `
import imaplib, sys
c = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
c.login(sys.argv[2], sys.argv[3])
assert c.create("Work/2026")[0] == "OK"
assert c.append("Work/2026", "(\\\\Seen)", None, b"Subject: x\\r\\n\\r\\nhello\\r\\n")[0] == "OK"
assert c.select("Work/2026") == ("OK", [b"1"])
assert c.search(None, "SUBJECT", "x") == ("OK", [b"1"])
assert c.copy("1", "INBOX")[0] == "OK"
assert c.store("1", "+FLAGS", "\\\\Deleted")[0] == "OK"
assert c.expunge() == ("OK", [b"1"])
assert c.close()[0] == "OK"
assert c.delete("Work/2026")[0] == "OK"
c.logout()
`;

test.runIf(installed('python3'))('python’s imaplib keeps house', async () => {
  const words = ['-c', IMAPLIB, String(host.port), `ben@${DOMAIN}`, host.users.ben as string];
  const ran = await run('python3', words);
  expect([ran.code, ran.err]).toEqual([0, '']);
});

test.runIf(installed('openssl'))(
  'with disableinsecureimap nobody is served in clear, and over TLS everybody is (needs openssl)',
  async () => {
    const secured = await startMailHost({
      program: 'imapd',
      mode: 'private',
      words: ['--tls-listen', '127.0.0.1:0'],
      keys: makeCertificate('imap.test'),
      env: { OPTIONS: 'disableinsecureimap=1' },
    });
    try {
      const login = `l LOGIN ann@${DOMAIN} "${secured.users.ann}"\n`;
      const plain = await ImapTalk.open(secured.port);
      plain.send(login);
      expect(await plain.until(/^\* BYE.*\r\n/m)).toMatch(/^l NO \[AUTHORIZATIONFAILED\]/m);
      await plain.closed();
      for (const talk of [
        await ImapTalk.openTls(secured.tlsPort as number),
        await ImapTalk.startTls(secured.port),
      ])
        expect(await talk.finish(`${login}a SELECT INBOX\nb LOGOUT\n`)).toMatch(/^a OK/m);
    } finally {
      await secured.remove();
    }
  },
);

test('at SIGTERM idle sessions are told good-bye, and every process ends', async () => {
  const service = await startMailHost({ program: 'imapd', mode: 'private' });
  try {
    const talk = await ImapTalk.open(service.port);
    await talk.say(`l LOGIN ann@${DOMAIN} "${service.users.ann}"\na SELECT INBOX\n`, 'a');
    talk.send('b IDLE\n');
    await talk.until(/idling/);
    const stranger = await ImapTalk.open(service.port);
    service.service.kill('SIGTERM');
    expect(await talk.until(/BYE.*\r\n/)).toMatch(/\* BYE \[UNAVAILABLE\]/);
    await Promise.all([talk.closed(), stranger.closed()]);
    await until('all processes are gone', () => processesOf(service.home).length === 0);
    await until('its exit is seen', () => service.service.exitCode !== null);
    expect(service.service.exitCode).toBe(0);
  } finally {
    await service.remove();
  }
});
