// The first look at a mailbox of many messages: imapd has them read by a thread, which comes and goes.

import { readdirSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ImapTalk } from './lib/imap-talk.ts';
import { DOMAIN, type MailHost, startMailHost } from './lib/mail-host.ts';
import { processesOf, until } from './lib/processes.ts';
import { isRoot } from './lib/run.ts';

const COUNT = 900;

let host: MailHost;
beforeAll(async () => {
  host = await startMailHost({ program: 'imapd', mode: isRoot ? 'root' : 'private' });
});
afterAll(() => host.remove());

async function open(user = 'ann'): Promise<ImapTalk> {
  const talk = await ImapTalk.open(host.port);
  const login = `l LOGIN ${user}@${DOMAIN} "${host.users[user]}"`;
  const got = await talk.say(`${login}\nm SELECT INBOX\n`, 'm');
  expect(got).toMatch(/m OK /);
  return talk;
}

const padded = (number: number) => String(number).padStart(4, '0');
const messageOf = (number: number) =>
  `From: p${number}@h\nSubject: subject ${number}\nMessage-ID: <${number}@h>\n\n${'line\n'.repeat(number % 7)}word${padded(number)}\n`;

/** Threads of each process, by pid. */
function threads(): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { pid } of processesOf(host.home)) {
    try {
      counts.set(pid, readdirSync(`/proc/${pid}/task`).length);
    } catch {
      // It ended while we looked.
    }
  }
  return counts;
}

test('every answer is that of its message, for two sessions at once; and then no thread is left', async () => {
  for (let i = 1; i <= COUNT; i++) host.put('ann', `1700000000.${padded(i)}.h`, messageOf(i));
  const [one, two] = [await open(), await open()];
  const most = new Map<number, number>();
  const watch = () => {
    for (const [pid, count] of threads()) most.set(pid, Math.max(count, most.get(pid) ?? 0));
  };
  const watching = setInterval(watch, 50);
  try {
    const [fetched, found] = await Promise.all([
      one.say('a FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE)\n', 'a'),
      two.say('a SEARCH BODY "word0"\nb SEARCH TEXT "SUBJECT 77"\n', 'b'),
    ]);
    watch();
    const lines = fetched.split('\r\n').filter((line) => /^\* \d+ FETCH/.test(line));
    expect(lines).toHaveLength(COUNT);
    for (const [i, line] of lines.entries()) {
      const number = i + 1;
      const message = messageOf(number);
      const size = message.length + message.split('\n').length - 1;
      expect(line).toContain(`* ${number} FETCH (`);
      expect(line).toContain(`"subject ${number}"`);
      expect(line).toContain(`"<${number}@h>"`);
      expect(line).toContain(`RFC822.SIZE ${size}`);
    }
    const numbers = (text: string) => /^\* SEARCH(.*)\r\n/m.exec(text)?.[1]?.trim().split(' ');
    const [body = '', text = ''] = found.split(/^a OK.*\r\n/m);
    expect(numbers(body)).toEqual(Array.from({ length: COUNT }, (_, i) => String(i + 1)));
    expect(numbers(text)).toEqual(['77', ...Array.from({ length: 10 }, (_, i) => String(770 + i))]);
    // Of a process's threads only this one ever ends.
    await until('the thread is gone', () =>
      [...threads()].some(([pid, count]) => count < (most.get(pid) ?? 0)),
    );
  } finally {
    clearInterval(watching);
  }
  expect(await one.say('z FETCH 5 (RFC822.SIZE)\n', 'z')).toMatch(/z OK/);
  for (const talk of [one, two]) await talk.finish('z LOGOUT\n');
});

test('files that get flags or are removed while the others are read are answered as they are, or not at all', async () => {
  for (let i = 1; i <= COUNT; i++) host.put('ben', `1700000000.${padded(i)}.h`, messageOf(i));
  const talk = await open('ben');
  const cur = join(host.maildir('ben'), 'cur');
  const file = (number: number) => join(cur, `1700000000.${padded(number)}.h:2,`);
  talk.send('a FETCH 1:* (RFC822.SIZE ENVELOPE)\n');
  let got = await talk.until(/^\* 1 FETCH .*\r\n/m);
  const removed = [COUNT - 300, COUNT - 20, COUNT];
  for (const number of removed) unlinkSync(file(number));
  for (let number = COUNT - 200; number < COUNT - 100; number++)
    renameSync(file(number), `${file(number)}F`);
  got += await talk.until(/^a .*\r\n/m);
  for (let number = 1; number <= COUNT; number++) {
    const line = new RegExp(`^\\* ${number} FETCH .*\r\n`, 'm').exec(got)?.[0];
    if (line !== undefined) expect(line).toContain(`"subject ${number}"`);
    else expect(removed).toContain(number);
  }
  const all = got.match(/^\* \d+ FETCH /gm)?.length;
  expect(got).toMatch(all === COUNT ? /^a OK /m : /^a NO \[EXPUNGEISSUED\]/m);
  // All that happened is told then, and the flags are there.
  const after = await talk.say('b NOOP\nc SEARCH FLAGGED\n', 'c');
  expect(after.match(/^\* \d+ EXPUNGE/gm)).toHaveLength(removed.length);
  expect(/^\* SEARCH (.*)\r\n/m.exec(after)?.[1]?.split(' ')).toHaveLength(100);
  await talk.finish('z LOGOUT\n');
});
