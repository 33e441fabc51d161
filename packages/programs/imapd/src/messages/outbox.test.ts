// The outbox with real folders and real programs as sendmail: what they get, and what the client is told of how they end.

import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deliver, makeMaildir, type TestClient, TestHost } from '../mailboxes/testing/client.ts';
import { sendMessage } from './send-message.ts';

const host = new TestHost();
let dir: string;
let root: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'imapd-outbox-'));
  root = makeMaildir(['Outbox']);
});
afterEach(async () => {
  await host.end();
  host.logged.length = 0;
  rmSync(dir, { recursive: true, force: true });
});

const literal = (text: string) => `{${text.length}+}\r\n${text}`;
const MAIL = 'To: bob@example.org\r\nSubject: hi\r\n\r\nhello\r\n';
const SENT = 'X-IMAP-Sender: alice@example.org\nTo: bob@example.org\nSubject: hi\n\nhello\n';

/** A program that is called as sendmail. */
function sendmail(script: string): string {
  const file = join(dir, 'sendmail');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** It keeps what it got. */
const recording = () =>
  sendmail(
    `for word; do echo "$word"; done >> '${dir}/args'; env > '${dir}/env'; cat >> '${dir}/mail'`,
  );

const got = (name: string) => readFileSync(join(dir, name), 'latin1');

function client(file: string, env: Readonly<Record<string, string>> = {}): Promise<TestClient> {
  return host.client(root, { OUTBOX: '.Outbox', SENDMAIL: file, ...env }, 'alice@example.org');
}

const last = async (talk: TestClient, command: string) => (await talk.say(command)).at(-1);

/** How many messages are in the outbox's files, and that nothing is left over. */
function stored(): number {
  expect(readdirSync(join(root, '.Outbox/tmp')).filter((name) => name.endsWith('.outbox'))).toEqual(
    [],
  );
  return ['cur', 'new'].flatMap((part) => readdirSync(join(root, '.Outbox', part))).length;
}

describe('APPEND', () => {
  test('to the outbox sends the message with who sent it, and stores it without', async () => {
    const talk = await client(recording());
    expect(await last(talk, `APPEND Outbox (\\Seen) ${literal(MAIL)}`)).toMatch(
      /^OK \[APPENDUID \d+ 1\]/,
    );
    expect(got('mail')).toBe(SENT);
    expect(got('args')).toBe('-oi\n-t\n-f\nalice@example.org\n');
    const [name = ''] = readdirSync(join(root, '.Outbox/cur'));
    expect(readFileSync(join(root, '.Outbox/cur', name), 'latin1')).toBe(
      MAIL.replaceAll('\r\n', '\n'),
    );
    expect(stored()).toBe(1);
  });

  test('gives sendmail an environment of its own', async () => {
    process.env.OUTBOX_TEST_SECRET = 'x';
    const talk = await client(recording());
    await last(talk, `APPEND Outbox ${literal(MAIL)}`);
    delete process.env.OUTBOX_TEST_SECRET;
    expect(got('env')).toMatch(/^AUTHENTICATED=alice@example\.org$/m);
    expect(got('env')).not.toContain('OUTBOX_TEST_SECRET');
  });

  test('to other folders, and without OUTBOX, sends nothing', async () => {
    const talk = await client(recording());
    expect(await last(talk, `APPEND INBOX ${literal(MAIL)}`)).toMatch(/^OK/);
    const plain = await client(recording(), { OUTBOX: '' });
    expect(await last(plain, `APPEND Outbox ${literal(MAIL)}`)).toMatch(/^OK/);
    expect(existsSync(join(dir, 'mail'))).toBe(false);
  });

  test('stores nothing when sendmail fails, and tells its first line without what cannot be told', async () => {
    const talk = await client(
      sendmail('cat > /dev/null; printf "no [x] \\033\\351 here\\r\\nmore\\n" >&2; exit 100'),
    );
    expect(await last(talk, `APPEND Outbox ${literal(MAIL)}`)).toBe(
      'NO Not sent: no [x] \\x1b\\xe9 here',
    );
    expect(stored()).toBe(0);
    expect(host.logged).toContain('ERR: error sending a message: no [x] \\x1b\\xe9 here');
  });

  test.each([
    ['exit 3', 'sendmail ended with exit code 3'],
    ['kill -KILL $$', 'sendmail was ended by SIGKILL'],
    ['yes y | head -c 300000 >&2; exit 1', 'y'],
    ['printf "%01000d" 0 >&2; exit 1', `${'0'.repeat(200)}...`],
  ])('a sendmail that does "%s" has sent nothing', async (script, why) => {
    const talk = await client(sendmail(script));
    expect(await last(talk, `APPEND Outbox ${literal(MAIL)}`)).toBe(`NO Not sent: ${why}`);
    expect(stored()).toBe(0);
  });

  test('a sendmail that is not there has sent nothing', async () => {
    const talk = await client(join(dir, 'none'));
    expect(await last(talk, `APPEND Outbox ${literal(MAIL)}`)).toMatch(/^NO Not sent: unable to/);
    expect(stored()).toBe(0);
  });

  test('a sendmail that reads nothing of a large message and says yes is believed', async () => {
    const talk = await client(sendmail('exit 0'));
    const large = literal(`A: b\r\n\r\n${'x'.repeat(998)}\r\n`.repeat(500));
    expect(await last(talk, `APPEND Outbox ${large}`)).toMatch(/^OK/);
  });

  test('what sendmail leaves behind holds nobody up', async () => {
    const talk = await client(sendmail(`sleep 1000 & echo $! > '${dir}/pid'; exit 0`));
    expect(await last(talk, `APPEND Outbox ${literal(MAIL)}`)).toMatch(/^OK/);
    process.kill(Number(got('pid')), 'SIGKILL');
  });

  test('several messages are refused, unless they are allowed', async () => {
    const two = `APPEND Outbox ${literal(MAIL)} ${literal(MAIL)}`;
    expect(await last(await client(recording()), two)).toBe(
      'NO [LIMIT] Only one message at a time can be sent',
    );
    expect(existsSync(join(dir, 'mail'))).toBe(false);
    expect(stored()).toBe(0);
    const many = await client(recording(), { OUTBOX_MULTIPLE_SEND: '1' });
    expect(await last(many, two)).toMatch(/^OK \[APPENDUID \d+ 1:2\]/);
    expect(got('mail')).toBe(SENT + SENT);
  });

  test('of several, those that were sent are stored when one is not, and the answer says so', async () => {
    const file = sendmail(
      `test -e '${dir}/mail' && { echo full >&2; exit 111; }; cat > '${dir}/mail'`,
    );
    const talk = await client(file, { OUTBOX_MULTIPLE_SEND: '1' });
    expect(
      await last(talk, `APPEND Outbox ${literal(MAIL)} ${literal(MAIL)} ${literal(MAIL)}`),
    ).toBe('NO 1 of 3 messages were sent. Not sent: full');
    expect(stored()).toBe(1);
  });

  test('a name that could be more than a word in a header sends nothing', async () => {
    const env = { OUTBOX: '.Outbox', SENDMAIL: recording() };
    const talk = await host.client(root, env, 'alice\nBcc: all');
    expect(await last(talk, `APPEND Outbox ${literal(MAIL)}`)).toMatch(/^NO \[CANNOT\]/);
    expect(existsSync(join(dir, 'mail'))).toBe(false);
    expect(stored()).toBe(0);
  });

  test('a message that was sent and cannot be stored is not to be sent again', async () => {
    // By then the folder is gone.
    const talk = await client(sendmail(`cat > '${dir}/mail'; rm -rf '${root}/.Outbox'`));
    expect(await last(talk, `APPEND Outbox ${literal(MAIL)}`)).toBe(
      'NO Sent, but not stored: do not send it again',
    );
    expect(got('mail')).toBe(SENT);
  });
});

describe('COPY, MOVE and REPLACE', () => {
  async function withMail(env: Readonly<Record<string, string>> = {}): Promise<TestClient> {
    for (const body of ['one', 'two']) deliver(root, `To: bob@example.org\n\n${body}\n`);
    const talk = await client(recording(), env);
    expect(await last(talk, 'SELECT INBOX')).toMatch(/^OK/);
    return talk;
  }

  test('a copy to the outbox is sent, one at a time', async () => {
    const talk = await withMail();
    expect(await last(talk, 'COPY 1:2 Outbox')).toMatch(/^NO \[LIMIT\]/);
    expect(existsSync(join(dir, 'mail'))).toBe(false);
    expect(await last(talk, 'UID COPY 2 Outbox')).toMatch(/^OK \[COPYUID \d+ 2 1\]/);
    expect(got('mail')).toBe('X-IMAP-Sender: alice@example.org\nTo: bob@example.org\n\ntwo\n');
    expect(stored()).toBe(1);
    expect(await last(talk, 'UID COPY 99 Outbox')).toMatch(/^OK/);
  });

  test('several where that is allowed', async () => {
    const talk = await withMail({ OUTBOX_MULTIPLE_SEND: '1', HEADERFROM: 'X-Who' });
    expect(await last(talk, 'COPY 1:2 Outbox')).toMatch(/^OK \[COPYUID \d+ 1:2 1:2\]/);
    expect(got('mail').match(/^X-Who: alice@example\.org$/gm)).toHaveLength(2);
    expect(stored()).toBe(2);
  });

  test('nothing is moved there, and nothing there replaces another', async () => {
    const talk = await withMail();
    expect(await last(talk, 'MOVE 1 Outbox')).toMatch(/^NO \[CANNOT\]/);
    expect(await last(talk, `REPLACE 1 Outbox ${literal(MAIL)}`)).toMatch(/^NO \[CANNOT\]/);
    expect(existsSync(join(dir, 'mail'))).toBe(false);
    expect(stored()).toBe(0);
    expect(await talk.say('UID SEARCH ALL')).toContain('* SEARCH 1 2');
  });
});

test('the capability names the folder as clients do', async () => {
  const modern = await client(recording());
  expect((await modern.say('CAPABILITY'))[0]).toContain(' XCOURIEROUTBOX=Outbox ');
  const courier = await client(recording(), { IMAP_NAMESPACE: 'courier' });
  expect((await courier.say('CAPABILITY'))[0]).toContain(' XCOURIEROUTBOX=INBOX.Outbox ');
  expect(await last(courier, `APPEND INBOX.Outbox ${literal(MAIL)}`)).toMatch(/^OK/);
  expect(got('mail')).toBe(SENT);
  const none = await client(recording(), { OUTBOX: '' });
  expect((await none.say('CAPABILITY'))[0]).not.toContain('XCOURIEROUTBOX');
});

test('a sendmail that does not end is killed with all it started', async () => {
  const file = sendmail(
    `sleep 1000 & echo $! > '${dir}/pid.new'; mv '${dir}/pid.new' '${dir}/pid'; wait`,
  );
  const outbox = {
    dir: '.Outbox',
    name: 'Outbox',
    sendmail: file,
    headerFrom: 'X-IMAP-Sender',
    multiple: false,
  };
  async function* content() {
    yield Buffer.from('A: b\n\n');
  }
  const request = { outbox, sender: '', dir: root, content: content(), seconds: 3 };
  expect(await sendMessage(request)).toBe(
    'sendmail did not end in 3 seconds; perhaps the message was sent',
  );
  // On a machine so slow that it had not begun, there is no other process.
  const pid = existsSync(join(dir, 'pid')) ? Number(got('pid')) : undefined;
  if (pid !== undefined) await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false);
});

/** Not so when it waits for its parent to notice its end. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
