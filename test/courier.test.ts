// Debian's own Courier, with our virtual users: its login programs, IMAP and POP3 servers find them through
// vmail-authd, and through its authdaemond with authvmailmgr-pipe, and read what vdeliver delivered.

import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Courier, type CourierSession, hasCourier } from './lib/courier.ts';
import { DOMAIN, makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

const forms = [
  ['vmail-authd', (courier: Courier) => courier.startAuthd()],
  ['authdaemond with authvmailmgr-pipe', (courier: Courier) => courier.startAuthdaemond()],
] as const;

const address = (name: string) => `${name}@${DOMAIN}`;
const IMAP_OK = /^a OK.*\r\n/m;
const IMAP_ANY = /^a (OK|NO|BAD).*\r\n/m;
const POP_LINE = /^(\+OK|-ERR).*\r\n/m;

describe.runIf(hasCourier).each(forms)(
  'through %s (needs root and an unpacked Courier)',
  (_name, start) => {
    let domain: VirtualDomain;
    let courier: Courier;

    beforeAll(async () => {
      domain = await makeVirtualDomain('courier-');
      courier = new Courier(join(domain.home, '..'), domain.qmail);
      for (const [name, ...options] of [
        ['ann'],
        ['changing'],
        ['clear', '--digests'],
        ['disabled'],
        ['expired'],
      ] as const)
        expect(await domain.tool('vadduser', [...options, name], 'secret\n')).toMatchObject({
          code: 0,
        });
      for (const name of ['ann', 'clear', 'disabled', 'expired'])
        expect(await domain.deliver(name)).toMatchObject({ code: 0 });
      expect(await domain.tool('vaddalias', ['alias', 'ann'])).toMatchObject({ code: 0 });
      for (const set of [
        ['-E', '0', 'disabled'],
        ['-e', '1', 'expired'],
      ])
        expect(await domain.tool('vchattr', set)).toMatchObject({ code: 0 });
      await start(courier);
    });
    afterAll(async () => {
      await courier?.stop();
      domain?.remove();
    });

    /** authtest's exit code: it logs in, or changes the password when there is a third word. */
    const authtest = async (...words: readonly string[]) =>
      (await courier.command('authtest', ...words)).code;

    async function imapLogin(name: string, password: string): Promise<string> {
      const session = await courier.imap();
      const reply = await session.say(`a LOGIN ${address(name)} "${password}"`, IMAP_ANY);
      await session.end();
      return reply;
    }

    async function popLogin(name: string, password: string): Promise<string> {
      const session = await courier.pop3();
      await session.say(`USER ${address(name)}`, POP_LINE);
      const reply = await session.say(`PASS ${password}`, POP_LINE);
      await session.end();
      return reply;
    }

    test.concurrent('authtest finds the user, and tells a right password from a wrong one', async () => {
      const found = await courier.command('authtest', address('ann'));
      expect(found.out.toString() + found.err + courier.log).toMatch(/Authentication succeeded/);
      expect(found.out.toString()).toContain(`(uid ${domain.uid}, gid ${domain.gid})`);
      expect(found.out.toString()).toContain('Maildir: ./users/ann');
      expect(await authtest(address('ann'), 'secret')).toBe(0);
      const wrong = await courier.command('authtest', address('ann'), 'wrong');
      expect(wrong.err).toContain('Authentication FAILED');
      expect((await courier.command('authtest', address('nobody'))).err).toContain(
        'Authentication FAILED',
      );
    });

    test.concurrent('imapd shows what vdeliver delivered', async () => {
      const session = await courier.imap();
      await session.say(`a LOGIN ${address('ann')} secret`, IMAP_OK);
      expect(await session.say('a SELECT INBOX', IMAP_OK)).toContain('* 1 EXISTS');
      const heard = await session.say('a FETCH 1 BODY.PEEK[]', IMAP_OK);
      expect(heard).toContain('Subject: hello');
      expect(heard).toContain(`Delivered-To: owner-ann@${DOMAIN}`);
      await session.say('a LOGOUT', IMAP_OK);
    });

    test.concurrent('pop3d gives it out', async () => {
      const session = await courier.pop3();
      await session.say(`USER ${address('ann')}`, POP_LINE);
      await session.say('PASS secret', /^\+OK logged in/im);
      expect(await session.say('RETR 1', /^\.\r$/m)).toContain('Subject: hello');
    });

    test.concurrent('wrong passwords, aliases, and who has expired or never was, are refused alike by imapd and pop3d', async () => {
      const refused = [
        ['ann', 'wrong'],
        ['alias', 'secret'],
        ['expired', 'secret'],
        ['nobody', 'secret'],
      ] as const;
      // Courier lets each of them wait for five seconds.
      const replies = refused.flatMap(([name, password]) => [
        imapLogin(name, password),
        popLogin(name, password),
      ]);
      expect(await Promise.all(replies)).toEqual(
        refused.flatMap(() => ['a NO Login failed.\r\n', '-ERR Login failed.\r\n']),
      );
    });

    test.concurrent('a disabled mailbox gets no mail, and what is in it can still be read', async () => {
      expect(await domain.deliver('disabled')).toMatchObject({ code: 111 });
      const session = await courier.imap();
      await session.say(`a LOGIN ${address('disabled')} secret`, IMAP_OK);
      expect(await session.say('a STATUS INBOX (MESSAGES)', IMAP_OK)).toContain('(MESSAGES 1)');
    });

    test.concurrent('PASSWD: who knows the old password changes it, and it is a hash as before', async () => {
      const user = address('changing');
      expect(await authtest(user, 'wrong', 'newer')).not.toBe(0);
      expect(await authtest(user, 'secret', 'newer')).toBe(0);
      expect([await authtest(user, 'secret'), await authtest(user, 'newer')]).toEqual([1, 0]);
      expect(await imapLogin('changing', 'newer')).toMatch(IMAP_OK);
      const { out } = await domain.tool('dumpvuser', ['changing']);
      expect(out).toMatch(/^Encrypted-Password: \$(y|6)\$/m);
      expect(await authtest(address('nobody'), 'secret', 'newer')).not.toBe(0);
    });

    test.concurrent('CRAM-MD5 opens imapd and pop3d to those whose password is in clear, and also after they changed it', async () => {
      const both = async (name: string, password: string) => {
        const replies = [
          cramMd5(await courier.imap(), 'a AUTHENTICATE', name, password),
          cramMd5(await courier.pop3(), 'AUTH', name, password),
        ];
        return (await Promise.all(replies)).map((text) => text.slice(0, 4));
      };
      const logins = [both('clear', 'secret'), both('clear', 'wrong'), both('ann', 'secret')];
      expect(await Promise.all(logins)).toEqual([
        ['a OK', '+OK '],
        ['a NO', '-ERR'],
        ['a NO', '-ERR'],
      ]);
      expect(await authtest(address('clear'), 'secret', 'another secret')).toBe(0);
      expect(await both('clear', 'another secret')).toEqual(['a OK', '+OK ']);
    });

    test.concurrent('ENUMERATE: authenumerate lists the mailboxes, and no alias', async () => {
      const listed = await courier.command('authenumerate');
      const line = (name: string) =>
        `${address(name)}\t${domain.uid}\t${domain.gid}\t${domain.home}\t./users/${name}`;
      const lines = listed.out.toString().trimEnd().split('\n');
      expect(lines.map((text) => text.trimEnd())).toEqual(
        ['ann', 'changing', 'clear', 'disabled', 'expired'].map(line),
      );
    });
  },
);

/** RFC 2195, and what the server says to it. */
async function cramMd5(
  session: CourierSession,
  command: string,
  name: string,
  password: string,
): Promise<string> {
  const asked = await session.say(`${command} CRAM-MD5`, /^\+ .*\r\n/m);
  const challenge = Buffer.from(/^\+ (\S+)/m.exec(asked)?.[1] ?? '', 'base64');
  const digest = createHmac('md5', password).update(challenge).digest('hex');
  const response = Buffer.from(`${address(name)} ${digest}`).toString('base64');
  const answer = /^(a (OK|NO)|\+OK|-ERR).*\r\n/m;
  const reply = await session.say(response, answer);
  await session.end();
  return answer.exec(reply)?.[0] ?? '';
}
