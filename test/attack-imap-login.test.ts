// What strangers send to an IMAP server before they have logged in, against the running service: nobody else is harmed,
// nothing is held for them, and who knows a password still logs in.

import { connect } from 'node:net';
import { makeCertificate } from '@q/tls/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addressesFound, hasFail2ban, throughMultilog } from './lib/fail2ban.ts';
import { ImapTalk } from './lib/imap-talk.ts';
import { openDirectory, removeInstance } from './lib/instance.ts';
import { DOMAIN, type MailHost, startMailHost } from './lib/mail-host.ts';
import { residentOf, until } from './lib/processes.ts';
import { installed, isRoot } from './lib/run.ts';

let host: MailHost;
/** Somebody who was there before, and stays. */
let other: ImapTalk;
const login = (tag: string, user = 'ann') =>
  `${tag} LOGIN ${user}@${DOMAIN} "${host.users[user]}"\n`;

beforeAll(async () => {
  host = await startMailHost({
    program: 'imapd',
    mode: isRoot ? 'root' : 'private',
    words: ['--max', '200'],
    keys: installed('openssl') ? makeCertificate('mail.test') : undefined,
  });
});
afterAll(() => host.remove());

beforeEach(async () => {
  other = await ImapTalk.open(host.port);
  expect(await other.say(login('a', 'ben'), 'a')).toMatch(/^a OK /);
});
afterEach(async () => {
  expect(await other.say('n NOOP\n', 'n')).toBe('n OK Done\r\n');
  other.destroy();
  const fresh = await ImapTalk.open(host.port);
  expect(await fresh.finish(`${login('a')}b LOGOUT\n`)).toMatch(
    /^a OK [^\n]*\r\n\* BYE [^\n]*\r\nb OK [^\n]*\r\n$/,
  );
});

/** All that a stranger hears who sends this and waits for the end. */
async function heard(raw: string): Promise<string> {
  const stranger = await ImapTalk.open(host.port);
  stranger.sendRaw(raw);
  await stranger.closed();
  return stranger.until(/$/);
}

/** What a stranger hears up to the answer of the NOOP behind it. */
async function answer(raw: string): Promise<string> {
  const stranger = await ImapTalk.open(host.port);
  stranger.sendRaw(`${raw}z NOOP\r\n`);
  const got = await stranger.until(/z OK Done\r\n/);
  stranger.destroy();
  return got;
}

const memory = () => residentOf(host.home);

describe('literals', () => {
  test.each([
    ['of 4 GiB', '{4294967295}'],
    ['of 20 digits', '{99999999999999999999}'],
    ['of 2^64+1, which is no 1', '{18446744073709551617}'],
    ['that come unasked', '{1000000000+}'],
    ['of a MiB', '{1048576}'],
  ])('%s end the connection at once', async (_what, literal) => {
    expect(await heard(`t LOGIN ${literal}\r\n`)).toMatch(/^\* BYE \[TOOBIG\] [^\r\n]*\r\n$/);
  });

  test.each(['{-1}', '{+1}', '{1.5}', '{ 1}', '{}'])('%s is none', async (literal) => {
    expect(await answer(`t LOGIN ${literal}\r\n`)).toMatch(/^t BAD [^\r\n]*\r\nz OK/);
  });
});

describe('lines', () => {
  test('of 64 MiB without an end: nothing is held', async () => {
    const before = memory();
    const socket = connect(host.port, '127.0.0.1');
    socket.on('error', () => {});
    let closed = false;
    socket.on('close', () => {
      closed = true;
    });
    const block = Buffer.alloc(65_536, 'x');
    for (let sent = 0; sent < 1024 && !closed; sent++) {
      if (!socket.write(block))
        await until('room or the end', () => closed || !socket.writableNeedDrain);
    }
    await until('the server hangs up', () => closed);
    expect(memory() - before).toBeLessThan(64 * 1024);
  });

  test('with NUL or a bare CR are refused, a bare LF ends a command', async () => {
    expect(await answer('t LO\0GIN\r\n')).toMatch(/^t BAD /);
    expect(await answer('t NO\rOP\r\n')).toMatch(/^t BAD /);
    expect(await answer('t NOOP\n')).toBe('t OK Done\r\nz OK Done\r\n');
  });

  test('of a million parentheses', async () => {
    expect(await heard(`${'('.repeat(1024 * 1024)}\r\n`)).toMatch(/^\* BYE /);
  });

  test('that are no commands, twenty in a row', async () => {
    const got = await heard('x y\r\n'.repeat(30));
    expect(got.match(/^x BAD /gm)).toHaveLength(20);
    expect(got).toMatch(/\* BYE Too many bad commands\r\n$/);
  });
});

test('nothing a stranger sent comes back but a valid tag', async () => {
  const got = await answer('* OK forged\r\n"evil" NOOP\r\nt\x1b NOOP\r\nt+ X\r\nA1 EVIL WORDS\r\n');
  expect(got).not.toMatch(/forged|evil|\x1b|WORDS/i);
  expect(got.match(/^\* BAD /gm)).toHaveLength(4);
  expect(got).toMatch(/^A1 BAD /m);
});

describe('AUTHENTICATE', () => {
  test('with a megabyte ends the connection', async () => {
    expect(await heard(`t AUTHENTICATE PLAIN ${'A'.repeat(1_000_000)}\r\n`)).toMatch(/^\* BYE /);
    expect(await heard(`t AUTHENTICATE PLAIN\r\n${'A'.repeat(1_000_000)}\r\n`)).toMatch(
      /^\+ ?\r\n\* BYE /,
    );
  });

  test.each([
    ['five NULs', Buffer.from('\0a\0b\0c\0').toString('base64')],
    ['one NUL', Buffer.from('a\0b').toString('base64')],
    ['no base64', '!!!!'],
    ['"*"', '*'],
    ['two kB', 'A'.repeat(2048)],
    ['nothing', ''],
  ])('with %s is BAD', async (_what, response) => {
    expect(await answer(`t AUTHENTICATE PLAIN\r\n${response}\r\n`)).toMatch(/^\+ \r\nt BAD /);
    if (response !== '' && response !== '*')
      expect(await answer(`t AUTHENTICATE PLAIN ${response}\r\n`)).toMatch(/^t BAD /);
  });

  test('with the right password, at once and when asked', async () => {
    const right = Buffer.from(`\0ann@${DOMAIN}\0${host.users.ann}`).toString('base64');
    const talk = await ImapTalk.open(host.port);
    expect(await talk.finish(`a AUTHENTICATE PLAIN ${right}\nb LOGOUT\n`)).toMatch(/^a OK /);
    const asked = await ImapTalk.open(host.port);
    asked.send('a AUTHENTICATE plain\n');
    expect(await asked.until(/\r\n/)).toBe('+ \r\n');
    expect(await asked.finish(`${right}\nb LOGOUT\n`)).toMatch(/^a OK /);
  });
});

test('commands behind LOGIN in the same packet are answered, in order', async () => {
  const talk = await ImapTalk.open(host.port);
  const got = await talk.finish(`${login('x')}t NOOP\nu SELECT INBOX\nv LOGOUT\n`);
  expect(got.match(/^[a-z] OK/gm)).toEqual(['x OK', 't OK', 'u OK', 'v OK']);
});

describe.runIf(installed('openssl'))('STARTTLS', () => {
  test('what stood behind it in clear is never answered', async () => {
    const behind = `b NOOP\r\n${login('c').replaceAll('\n', '\r\n')}d CAPABILITY\r\n`;
    const talk = await ImapTalk.startTls(host.port, behind);
    const got = await talk.finish('e CAPABILITY\nf STARTTLS\ng LOGOUT\n');
    expect(got.match(/^[a-z] [A-Z]+/gm)).toEqual(['e OK', 'f BAD', 'g OK']);
    expect(got).not.toContain('STARTTLS AUTH');
    expect(host.log()).not.toMatch(/LOGIN, user=ann.*starttls=1/);
  });

  test('a login over it is one, whole session and all', async () => {
    const talk = await ImapTalk.startTls(host.port);
    const got = await talk.finish(`${login('x')}t SELECT INBOX\nv LOGOUT\n`);
    expect(got.match(/^[a-z] OK/gm)).toEqual(['x OK', 't OK', 'v OK']);
    expect(host.log()).toMatch(
      /: LOGIN, user=ann@virtual\.test, ip=\[127\.0\.0\.1\], port=\[[0-9]+\], protocol=IMAP, starttls=1\n/,
    );
  });
});

test('a name forges nothing in the log', async () => {
  const evil = 'x\r\nINFO: LOGIN, user=root, ip=[1.2.3.4]\x1b[2J';
  const talk = await ImapTalk.open(host.port, '127.0.0.9');
  talk.sendRaw(`a LOGIN {${evil.length}}\r\n`);
  await talk.until(/\+ /);
  talk.sendRaw(`${evil} x\r\n`);
  expect(await talk.until(/a NO.*\r\n/)).toContain('[AUTHENTICATIONFAILED]');
  talk.send(`b LOGIN "${'n'.repeat(900)}\xff" x\n`);
  await talk.until(/b NO.*\r\n/);
  talk.destroy();
  expect(host.log()).toContain(
    'imapd: LOGIN FAILED, user=x\\x0d\\x0aINFO:\\x20LOGIN\\x2c\\x20user\\x3droot\\x2c\\x20ip\\x3d\\x5b1.2.3.4\\x5d\\x1b\\x5b2J, ip=[127.0.0.9], port=[',
  );
  expect(
    Math.max(
      ...host
        .log()
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThan(1300);
});

test.runIf(hasFail2ban)('fail2ban’s filter for Courier reads who failed', async () => {
  const dir = openDirectory('imap-fail2ban-');
  try {
    const file = await throughMultilog(host.log(), dir);
    const found = await addressesFound(file, 'courier-auth');
    expect(found).toContain('127.0.0.9');
    expect(found).not.toContain('1.2.3.4');
  } finally {
    await removeInstance(dir, []);
  }
});

test('a name or password longer than any is wrong, and the service stays', async () => {
  const long = 'n'.repeat(3900);
  expect(await answer(`t LOGIN "${long}${long.slice(0, 4000)}" x\r\n`)).toMatch(
    /^t NO \[AUTHENTICATIONFAILED\]/,
  );
  expect(await answer(`t LOGIN x "${long}${long.slice(0, 4000)}"\r\n`)).toMatch(
    /^t NO \[AUTHENTICATIONFAILED\]/,
  );
});

test('ID: few fields of few bytes are heard, and none is kept', async () => {
  const fields = (count: number) =>
    Array.from({ length: count }, (_, i) => `"k${i}" "v"`).join(' ');
  expect(await answer(`t ID (${fields(30)})\r\n`)).toMatch(/^\* ID \("name" "qmail-ts"\)\r\nt OK/);
  expect(await answer(`t ID (${fields(300)})\r\n`)).toMatch(/^t BAD/);
  expect(await answer(`t ID ("k" "${'v'.repeat(5000)}")\r\n`)).toMatch(/^t BAD/);
  expect(host.log()).not.toContain('k29');
});

test('wrong passwords: ever later, three to a connection; from elsewhere the right one is good', async () => {
  const talk = await ImapTalk.open(host.port, '127.0.0.7');
  const start = Date.now();
  const got = await talk.finish(
    ['a', 'b', 'c', 'd'].map((tag) => `${tag} LOGIN ann@${DOMAIN} wrong\n`).join(''),
  );
  expect(got.match(/^[a-z] NO \[AUTHENTICATIONFAILED\]/gm)).toHaveLength(3);
  expect(got).toMatch(/\* BYE [^\r\n]*\r\n$/);
  expect(Date.now() - start).toBeGreaterThanOrEqual(6500);
});

test('a thousand silent strangers leave room for who logs in', async () => {
  const sockets = Array.from({ length: 300 }, () => {
    const socket = connect({ port: host.port, host: '127.0.0.1', localAddress: '127.0.0.66' });
    socket.on('error', () => {});
    return socket;
  });
  try {
    await until(
      'some are sent away',
      () =>
        host.log().includes('::ffff:127.0.0.66') || /deny [0-9]+ .*127\.0\.0\.66/.test(host.log()),
    );
    const talk = await ImapTalk.open(host.port, '127.0.0.67');
    expect(await talk.finish(`${login('a')}b LOGOUT\n`)).toMatch(/^a OK /);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test('COMPRESS: commands are bounded as they are after inflation', async () => {
  const { deflateRawSync, constants } = await import('node:zlib');
  const talk = await ImapTalk.open(host.port);
  expect(await talk.say(login('a'), 'a')).toMatch(/COMPRESS=DEFLATE/);
  expect(await talk.say('c COMPRESS DEFLATE\n', 'c')).toMatch(/^c OK/);
  const before = memory();
  // A line of 512 MB in half a megabyte.
  const piece = deflateRawSync(Buffer.alloc(64 * 1024 * 1024, 'x'), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  for (let i = 0; i < 8; i++) talk.socket.write(piece);
  await talk.closed();
  expect(memory() - before).toBeLessThan(64 * 1024);
});
