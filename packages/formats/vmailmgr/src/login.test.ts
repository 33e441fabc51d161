import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCdb } from '@q/cdb';
import { Permanent, Temporary } from '@q/fault';
import { compileAssign } from '@q/users';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  authenticate,
  authenticateSystem,
  authenticateVirtual,
  EXIT_LOGIN_REFUSED,
  hashPassword,
  type LoginPlaces,
  openSettings,
  openTable,
  openUserTable,
  resolveLogin,
  tablePath,
  updateTable,
  userDefaults,
} from './index.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'login-'));
  for (const name of ['control', 'users', 'queue', 'etc', 'etc/vmailmgr', 'home'])
    mkdirSync(join(root, name));
});
afterEach(() => rmSync(root, { recursive: true }));

const control = (name: string, text: string) => writeFileSync(join(root, 'control', name), text);
const settings = () => openSettings({ env: { QMAILHOME: root } });

const ACCOUNTS = {
  joe: { uid: 1001, gid: 101, home: '/home/joe' },
  'joe-work': { uid: 1002, gid: 102, home: '/home/joe-work' },
  root: { uid: 0, gid: 0, home: '/root' },
} as Record<string, { uid: number; gid: number; home: string }>;

function places(more: Partial<LoginPlaces> = {}): LoginPlaces {
  return {
    settings: settings(),
    getpwnam: (name) => (Object.hasOwn(ACCOUNTS, name) ? ACCOUNTS[name] : undefined),
    hostname: () => 'Host.Example',
    euid: 0,
    ...more,
  };
}

/** "user / virtual name" of the account a login leads to. */
const who = (login: string, more?: Partial<LoginPlaces>) => {
  const found = resolveLogin(login, places(more));
  return `${found.base.user} / ${found.virtualName}`;
};

const assign = (text: string) =>
  writeFileSync(join(root, 'users', 'cdb'), encodeCdb(compileAssign(`${text}.\n`)));

describe('a login name', () => {
  beforeEach(() => {
    control('locals', 'local.example\n');
    control(
      'virtualdomains',
      'Example.ORG:joe\n.sub.example:joe-work\nowned.sub.example:\nlocal.example:joe\n',
    );
  });

  test.each([
    ['me@example.org', 'joe / me'],
    ['ME@Example.Org', 'joe / me'],
    ['me:example.org', 'joe / me'],
    ['a-b@example.org', 'joe / a-b'],
    ['me@x.sub.example', 'joe-work / me'],
    ['me@y.x.sub.example', 'joe-work / me'],
    ['me@owned.sub.example', 'joe-work / me'],
    ['me@x@example.org', undefined],
    ['joe@local.example', 'joe / '],
    ['joe@LOCAL.example', 'joe / '],
    ['joe-me@local.example', 'joe / me'],
    ['joe-work-me@local.example', 'joe-work / me'],
    ['joe-me@unknown.example', 'joe / me'],
    ['joe-me', 'joe / me'],
    ['joe', 'joe / '],
    ['joe-', 'joe / '],
    ['jane@example.com', undefined],
    ['-joe', undefined],
    ['me@sub.example', undefined],
    ['root', undefined],
    ['root-x', undefined],
    ['toString', undefined],
    ['joe\0', undefined],
  ])('%j means %j', (login, expected) => {
    if (expected !== undefined) return expect(who(login)).toBe(expected);
    expect(() => who(login)).toThrow('Invalid or unknown base user or domain');
    expect(() => who(login)).toThrow(expect.objectContaining({ exitCode: EXIT_LOGIN_REFUSED }));
  });

  test('without a domain belongs to the name of the address it came in on', () => {
    expect(who('me', { localHost: 'example.org' })).toBe('joe / me');
    expect(who('me', { localHost: 'EXAMPLE.org' })).toBe('joe / me');
    expect(() => who('me', { localHost: '' })).toThrow('unknown base user');
    control('virtualdomains', 'host.example:joe\n');
    expect(who('me')).toBe('joe / me');
  });

  test('with nothing before or after the separator is refused', () => {
    expect(() => who('@example.org')).toThrow('Empty user name');
    expect(() => who('')).toThrow('Empty user name');
    expect(() => who('me@')).toThrow('Empty domain name');
    expect(() => who('me', { hostname: () => '' })).toThrow('Empty domain name');
  });

  test('is split at whatever the settings say', () => {
    writeFileSync(join(root, 'etc/vmailmgr/separators'), '%\n');
    expect(who('me%example.org')).toBe('joe / me');
    expect(() => who('me@example.org')).toThrow('unknown base user');
  });

  test('on a host without control files is the name of an account', () => {
    rmSync(join(root, 'control'), { recursive: true });
    expect(who('joe-me@anything.example')).toBe('joe / me');
  });

  test('never stops the search for another reason than refusal, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('joe', '-', '@', ':', '.', '\xff', ' ', 'x') }),
        (login) => {
          try {
            const found = resolveLogin(login, places());
            expect(found.base.uid).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(Permanent);
            expect((error as Permanent).exitCode).toBe(EXIT_LOGIN_REFUSED);
          }
        },
      ),
    );
  });

  test('with many dashes costs few look-ups', () => {
    let lookups = 0;
    const getpwnam = () => {
      lookups++;
      return undefined;
    };
    expect(() => who('-a'.repeat(250), { getpwnam })).toThrow(Permanent);
    expect(lookups).toBeLessThan(40);
    expect(() => who('a'.repeat(513))).toThrow(Permanent);
  });

  test('is not decided while the account database or a control file is out of reach', () => {
    const getpwnam = () => {
      throw new Temporary('ldap down');
    };
    expect(() => who('joe', { getpwnam })).toThrow(Temporary);
    rmSync(join(root, 'control', 'locals'));
    mkdirSync(join(root, 'control', 'locals'));
    expect(() => who('joe')).toThrow(Temporary);
  });
});

describe('users/cdb', () => {
  const OWNER = '+shop-:shop:2001:2002:/srv/shop:-::\n';

  test('says who owns a domain where no account of that name exists', () => {
    control('virtualdomains', 'shop.example:shop\n');
    assign(`${OWNER}=boss:shop:2001:2002:/srv/shop:::\n+:alias:7790:1:/var/qmail/alias:-::\n`);
    expect(who('Me-Too@shop.example')).toBe('shop / me-too');
    expect(resolveLogin('me@shop.example', places()).base).toEqual({
      user: 'shop',
      uid: 2001,
      gid: 2002,
      home: '/srv/shop',
    });
    expect(who('boss@local.example')).toBe('shop / ');
  });

  test('does not make the alias user, who gets everything else, a base user', () => {
    assign('+:alias:7790:1:/var/qmail/alias:-::\n');
    expect(() => who('anybody')).toThrow('unknown base user');
  });

  test('does not make root a base user', () => {
    assign('+shop-:root:0:0:/root:-::\n');
    expect(() => who('shop-x')).toThrow('unknown base user');
  });

  test('comes after the accounts on a host', () => {
    assign('+joe-:other:3001:3001:/srv/other:-::\n');
    expect(who('joe-me')).toBe('joe / me');
  });

  test('that is damaged is a temporary trouble', () => {
    writeFileSync(join(root, 'users', 'cdb'), 'short');
    expect(who('joe')).toBe('joe / ');
    expect(() => who('nobody-x')).toThrow(Temporary);
  });

  test.runIf(process.getuid?.() === 0)(
    'comes first in a private instance, where other accounts do not count (needs root to chown)',
    () => {
      for (const path of [root, join(root, 'queue')]) chownSync(path, 1001, 101);
      assign('+joe-:demo:1001:101:/srv/demo:-::\n+shop-:demo:1001:101:/srv/demo:-::\n');
      const euid = 1001;
      expect(resolveLogin('joe-me', places({ euid })).base.home).toBe('/srv/demo');
      expect(who('shop-me', { euid })).toBe('demo / me');
      expect(who('joe', { euid })).toBe('joe / ');
      expect(who('joe-work', { euid })).toBe('demo / work');
      rmSync(join(root, 'users', 'cdb'));
      expect(() => who('root-x', { euid })).toThrow(Permanent);
      expect(who('joe-work-x', { euid })).toBe('joe / work-x');
    },
  );
});

describe('who proves to know the password', () => {
  const password = Buffer.from('s\xe9cret', 'latin1');

  async function prepare(change: Partial<ReturnType<typeof userDefaults>> = {}) {
    const home = join(root, 'home');
    await updateTable(tablePath(home, settings()), (draft) =>
      draft.set('me', {
        ...userDefaults(settings()),
        password: hashPassword(password),
        directory: './users/me',
        hasMailbox: true,
        ...change,
      }),
    );
    return openUserTable(home, settings());
  }

  test('gets the record, also when the mailbox is disabled', async () => {
    const table = await prepare({ mailboxEnabled: false });
    expect((await authenticateVirtual(table, 'Me', password)).directory).toBe('./users/me');
    table.close();
  });

  test.each([
    ['nobody', 's\xe9cret', {}, 'Invalid or unknown virtual user'],
    ['', 's\xe9cret', {}, 'Invalid or unknown virtual user'],
    ['me', 's\xe9cret', { hasMailbox: false }, 'Invalid or unknown virtual user'],
    ['me', 'wrong', {}, 'Invalid or incorrect password'],
    ['me', '', {}, 'Invalid or incorrect password'],
    ['me', 's\xe9cret', { password: '*' }, 'Invalid or incorrect password'],
    ['me', 's\xe9cret', { expiry: 99 }, 'Account has expired'],
    ['me', 'wrong', { expiry: 99 }, 'Invalid or incorrect password'],
  ])('is not %j with %j where the record has %j: %s', async (name, given, change, text) => {
    const table = await prepare(change);
    const attempt = authenticateVirtual(table, name, Buffer.from(given, 'latin1'), 100);
    await expect(attempt).rejects.toMatchObject({ message: text, exitCode: EXIT_LOGIN_REFUSED });
    table.close();
  });

  test('is not refused but asked to come again when the record is unreadable', async () => {
    const path = join(root, 'x.cdb');
    writeFileSync(path, encodeCdb([['me', '\x02']]));
    const table = openTable(path);
    await expect(authenticateVirtual(table, 'me', password)).rejects.toThrow(Temporary);
    table.close();
  });

  test('goes the whole way in one process where no other user is needed', async () => {
    (await prepare()).close();
    control('virtualdomains', 'shop.example:shop\n');
    assign(`+shop-:shop:2001:2002:${join(root, 'home')}:-::\n`);
    const found = await authenticate('me@shop.example', password, places());
    expect(found).toMatchObject({ virtualName: 'me', name: 'me', domain: 'shop.example' });
    expect(found.virtual?.directory).toBe('./users/me');
    await expect(
      authenticate('me@shop.example', Buffer.from('wrong'), places()),
    ).rejects.toMatchObject({ exitCode: EXIT_LOGIN_REFUSED });
  });

  test('as a system user is not one whose account is locked or missing', async () => {
    for (const user of ['nobody', 'daemon', 'no-such-user-here'])
      for (const guess of ['', '*', '!', 'x'])
        await expect(authenticateSystem(user, Buffer.from(guess))).rejects.toMatchObject({
          message: 'Invalid or incorrect password',
        });
  });

  test('as a system user is checked against the shadow file, else against passwd', async () => {
    const hash = hashPassword(password);
    const accounts = {
      getpwnam: (name: string) =>
        ({ joe: { password: 'x' }, old: { password: hash } })[name as 'joe' | 'old'],
      getspnam: (name: string) => (name === 'joe' ? { password: hash } : undefined),
    };
    await authenticateSystem('joe', password, accounts);
    await authenticateSystem('old', password, accounts);
    await expect(authenticateSystem('joe', Buffer.from('x'), accounts)).rejects.toThrow(Permanent);
    await expect(authenticateSystem('jane', password, accounts)).rejects.toThrow(Permanent);
  });
});
