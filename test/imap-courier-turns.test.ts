// Debian's Courier and our imapd in turn on one Maildir: after each turn both say the same of names, subscriptions, UIDs,
// flags, keywords, access lists and quota. And a Maildir that Dovecot kept, taken over with its UIDs.

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '@q/tls/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Courier, CourierSession, hasCourier } from './lib/courier.ts';
import { Dovecot, hasDovecot } from './lib/dovecot.ts';
import { DIST } from './lib/instance.ts';
import { installed } from './lib/run.ts';
import { DOMAIN, makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

const DONE = /^a (OK|NO|BAD).*\r\n/m;

let domain: VirtualDomain;
let ending: (() => Promise<void>)[];

beforeEach(async () => {
  domain = await makeVirtualDomain('turns-');
  ending = [];
  expect(await domain.tool('vadduser', ['ann'], 'secret\n')).toMatchObject({ code: 0 });
});
afterEach(async () => {
  for (const end of ending.reverse()) await end();
  domain.remove();
});

const maildir = () => join(domain.home, 'users/ann');

/** A session that says commands and gives their whole answers, which are OK. */
type Say = (command: string) => Promise<string>;

/** Opens, acts and ends: a turn. */
type Turn = <T>(action: (say: Say) => Promise<T>) => Promise<T>;

async function within<T>(session: CourierSession, action: (say: Say) => Promise<T>): Promise<T> {
  try {
    return await action(async (command) => {
      const answer = await session.say(`a ${command}`, DONE);
      expect(answer, command).toMatch(/^a OK/m);
      return answer;
    });
  } finally {
    await session.end();
  }
}

/** Our imapd as a user runs it through ssh: logged in already. */
const ours: Turn = async (action) => {
  const { uid, gid, home } = domain;
  const env = { ...domain.env, IMAP_NAMESPACE: 'courier', IMAP_ACL: '1', USER: 'ann' };
  const child = spawn(join(DIST, 'imapd'), [maildir()], { uid, gid, cwd: home, env });
  const session = new CourierSession(child, () => {});
  await session.until(/^\* PREAUTH.*\r\n/m);
  return await within(session, action);
};

const couriersTurn =
  (courier: Courier): Turn =>
  async (action) => {
    const session = await courier.imap({ IMAP_ACL: '1', IMAP_KEYWORDS: '1' });
    return await within(session, async (say) => {
      await say(`LOGIN ann@${DOMAIN} secret`);
      return await action(say);
    });
  };

/** All that a client sees; what may differ in form between servers is left out. */
async function seen(say: Say) {
  const names = (answer: string) =>
    [...answer.matchAll(/^\* (?:LIST|LSUB) \(([^)]*)\) "\." "?([^"\r]*)"?\r$/gm)]
      .filter(([, attributes]) => !/\\No[Ss]elect|\\NonExistent/.test(attributes as string))
      .map(([, , name]) => name as string)
      .sort();
  const folders = names(await say('LIST "" "*"'));
  const contents: Record<string, unknown> = {};
  for (const name of folders) contents[name] = await contentOf(say, name);
  const quota = await say('GETQUOTAROOT INBOX');
  return {
    contents,
    subscribed: names(await say('LSUB "" "*"')),
    quota: [...quota.matchAll(/(STORAGE|MESSAGE) [0-9]+ [0-9]+/g)].map(([text]) => text).sort(),
  };
}

async function contentOf(say: Say, name: string) {
  const status = await say(`STATUS "${name}" (UIDVALIDITY UIDNEXT)`);
  const number = (item: string) => new RegExp(`${item} ([0-9]+)`).exec(status)?.[1];
  const selected = await say(`SELECT "${name}"`);
  const exists = Number(/^\* ([0-9]+) EXISTS/m.exec(selected)?.[1]);
  const items = '(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])';
  const fetched = exists === 0 ? '' : await say(`UID FETCH 1:* ${items}`);
  const messages = fetched.split(/^\* [0-9]+ FETCH /m).slice(1);
  expect(messages).toHaveLength(exists);
  const acl = /^\* ACL \S+ (.*)\r$/m.exec(await say(`GETACL "${name}"`))?.[1] ?? '';
  return {
    validity: number('UIDVALIDITY'),
    next: number('UIDNEXT'),
    messages: messages.map((text) => {
      const value = (pattern: RegExp) => pattern.exec(text)?.[1];
      const flags = value(/FLAGS \(([^)]*)\)/)?.split(' ') ?? [];
      return {
        uid: value(/UID ([0-9]+)/),
        size: value(/RFC822\.SIZE ([0-9]+)/),
        subject: value(/^Subject: (.*)\r$/m),
        flags: flags.filter((flag) => flag !== '\\Recent' && flag !== '').sort(),
      };
    }),
    acl: acl.replaceAll('"', '').split(' ').map(modernRights),
  };
}

/** Every other word is rights. Courier answers with those of RFC 2086, which stand for several (RFC 4314, section 2.1.1). */
function modernRights(word: string, index: number): string {
  if (index % 2 === 0) return word;
  const letters = word.replace('c', 'kx').replace('d', 'etx');
  return [...new Set(letters)].sort().join('');
}

const deliver = async (...subjects: readonly string[]) => {
  for (const subject of subjects)
    expect(
      await domain.deliver('ann', { message: `Subject: ${subject}\n\n.${subject}\n` }),
    ).toMatchObject({ code: 0 });
};

describe.runIf(hasCourier)('Courier and we (needs root and an unpacked Courier)', () => {
  test('serve one Maildir in turn, and no client notices', async () => {
    const courier = new Courier(join(domain.home, '..'), domain.qmail);
    ending.push(() => courier.stop());
    await courier.startAuthd();
    const theirs = couriersTurn(courier);
    domain.write(join(maildir(), 'maildirsize'), '1000000S,100C\n');
    const agree = async () => {
      const [here, there] = [await ours(seen), await theirs(seen)];
      expect(here).toEqual(there);
      return here;
    };

    await deliver('one', 'two', 'three', 'four');
    await theirs(async (say) => {
      await say('CREATE "INBOX.Arch.T&AOk-st"');
      await say('CREATE INBOX.Plain');
      await say('SUBSCRIBE "INBOX.Arch.T&AOk-st"');
      await say('SUBSCRIBE INBOX.Plain');
      await say('SELECT INBOX');
      await say('STORE 1 +FLAGS (\\Seen $Label1)');
      await say('STORE 2 +FLAGS (\\Flagged work $Label1)');
      await say('COPY 1:2 "INBOX.Arch.T&AOk-st"');
      await say('SETACL INBOX.Plain bob lrs');
    });
    const first = await agree();
    expect(JSON.stringify(first)).toContain('"$Label1","\\\\Seen"');
    expect(first.quota).toHaveLength(2);

    await deliver('five');
    await ours(async (say) => {
      await say('SELECT INBOX');
      await say('STORE 5 +FLAGS (\\Answered later)');
      await say('STORE 2 -FLAGS (work)');
      await say('MOVE 3 INBOX.Plain');
      await say('CREATE INBOX.New');
      await say('SUBSCRIBE INBOX.New');
      await say('UNSUBSCRIBE INBOX.Plain');
      await say('SETACL INBOX.New anyone lr');
      await say('SETACL INBOX.Plain bob +w');
    });
    const second = await agree();
    expect(second.contents.INBOX).toMatchObject({
      validity: (first.contents.INBOX as { validity: string }).validity,
      next: '6',
      messages: [{ uid: '1' }, { uid: '2' }, { uid: '4' }, { uid: '5' }],
    });

    await theirs(async (say) => {
      await say('SELECT INBOX');
      await say('STORE 1 +FLAGS (\\Deleted)');
      await say('EXPUNGE');
      await say('STORE 1:* +FLAGS (another)');
      await say('RENAME INBOX.New INBOX.Renamed');
    });
    await deliver('six');
    await agree();

    await ours(async (say) => {
      await say('SELECT INBOX');
      await say('UID STORE 2 +FLAGS (\\Deleted)');
      await say('UID EXPUNGE 2');
      await say('RENAME "INBOX.Arch.T&AOk-st" INBOX.Moved');
      await say('DELETE INBOX.Renamed');
    });
    const last = await agree();
    expect(Object.keys(last.contents).sort()).toEqual(['INBOX', 'INBOX.Moved', 'INBOX.Plain']);
  });
});

describe.runIf(hasDovecot && installed('openssl'))(
  'what Dovecot left (needs root and an unpacked Dovecot)',
  () => {
    test('is taken over: UIDs, flags, keywords, folders and subscriptions', async () => {
      const top = join(domain.home, '../dovecot');
      mkdirSync(top);
      const { uid, home } = domain;
      const user = { name: 'ann', password: 'secret', uid, home, maildir: maildir() };
      const keys = makeCertificate('localhost');
      const dovecot = await Dovecot.start(
        top,
        [user],
        keys,
        'namespace inbox {\n  inbox = yes\n  prefix = INBOX.\n  separator = .\n}\n',
      );
      ending.push(() => dovecot.stop());
      await deliver('one', 'two', 'three', 'four');
      const at = `127.0.0.1:${dovecot.tlsPort}`;
      const child = spawn('openssl', ['s_client', '-quiet', '-connect', at]);
      const session = new CourierSession(child, () => {});
      await session.until(/^\* OK.*\r\n/m);
      const before = await within(session, async (say) => {
        await say('LOGIN ann secret');
        await say('CREATE INBOX.Arch');
        await say('SUBSCRIBE INBOX.Arch');
        await say('SELECT INBOX');
        await say('STORE 2 +FLAGS (\\Flagged $Label1 work)');
        await say('STORE 1 +FLAGS (\\Deleted)');
        await say('EXPUNGE');
        await say('COPY 1:2 INBOX.Arch');
        return await dovecots(say);
      });
      await dovecot.stop();
      const after = await ours(dovecots);
      expect(after).toEqual(before);
      expect(JSON.stringify(after)).toContain('"$Label1","\\\\Flagged","work"');
      // And what comes then gets the next UID.
      await deliver('five');
      const { messages } = (await ours((say) => contentOf(say, 'INBOX'))) as {
        messages: { uid: string }[];
      };
      expect(messages.map((message) => message.uid)).toEqual(['2', '3', '4', '5']);
    });
  },
);

/** As seen(), without what Dovecot has only by plugins. */
async function dovecots(say: Say) {
  const subscribed = await say('LSUB "" "*"');
  const both: unknown[] = [
    [...subscribed.matchAll(/"?(INBOX[^"\r]*)"?\r$/gm)].map(([, name]) => name),
  ];
  for (const name of ['INBOX', 'INBOX.Arch']) {
    const quiet: Say = async (command) => (command.startsWith('GETACL') ? '' : await say(command));
    both.push(await contentOf(quiet, name));
  }
  return both;
}
