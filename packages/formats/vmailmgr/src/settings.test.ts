import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Temporary } from '@q/fault';
import { mkfifo } from '@q/posix';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  globalSettingsDirectory,
  hashLevels,
  isUserName,
  openSettings,
  SETTINGS,
  type SettingName,
  UNLIMITED,
  userDefaults,
  userDirectory,
  virtualEnvironment,
} from './index.ts';

let home: string;
let global: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'settings-'));
  global = join(home, 'etc');
  mkdirSync(join(home, '.vmailmgr'));
  mkdirSync(global);
});
afterEach(() => rmSync(home, { recursive: true }));

const domain = (name: string, text: string) => writeFileSync(join(home, '.vmailmgr', name), text);
const host = (name: string, text: string) => writeFileSync(join(global, name), text);
const open = () => openSettings({ home, global });

describe('a setting', () => {
  test('is the domain’s, else the host’s, else built in', () => {
    expect(open().string('default-username')).toBe('+');
    host('default-username', 'host\n');
    expect(open().string('default-username')).toBe('host');
    domain('default-username', 'domain\n');
    expect(open().string('default-username')).toBe('domain');
    expect(openSettings({ global }).string('default-username')).toBe('host');
  });

  test('is read once: a session sees one value', () => {
    const settings = open();
    expect(settings.string('separators')).toBe('@:');
    host('separators', '%');
    expect(settings.string('separators')).toBe('@:');
  });

  test('that is a string is the stripped first line, and an empty one counts for nothing', () => {
    host('separators', '%\n');
    domain('separators', ' \t \nsecond\n');
    expect(open().string('separators')).toBe('%');
    domain('separators', '  @ :\t\r\nsecond\n');
    expect(open().string('separators')).toBe('@ :');
    domain('separators', '\xa0@\xa0');
    expect(Buffer.from(open().string('separators'), 'latin1').toString()).toBe('\xa0@\xa0');
  });

  test('that is a directory ends in a slash', () => {
    expect(open().directory('user-dir')).toBe('users/');
    domain('user-dir', 'mail\n');
    host('error-maildir', '/x/');
    expect(open().directory('user-dir')).toBe('mail/');
    expect(open().directory('error-maildir')).toBe('/x/');
  });

  test.each([
    ['42', 42],
    [' 42 MB', 42],
    ['0', 0],
    ['-', UNLIMITED],
    ['-5', UNLIMITED],
    ['5368709120', 5368709120],
    ['none', 7],
    ['', 7],
  ])('that is a number, written %j, is %d', (text, value) => {
    host('default-msgsize', '7');
    domain('default-msgsize', text);
    expect(open().number('default-msgsize')).toBe(value);
  });

  test('that is a list loses blanks and comments, and an empty file is an empty list', () => {
    expect(open().list('postmaster-aliases')).toEqual(['mailer-daemon', 'postmaster', 'root']);
    host('postmaster-aliases', ' a \n# b\n\n\tc');
    expect(open().list('postmaster-aliases')).toEqual(['a', 'c']);
    domain('postmaster-aliases', '');
    expect(open().list('postmaster-aliases')).toEqual([]);
  });

  test('that is there but cannot be read is a temporary trouble', () => {
    mkdirSync(join(home, '.vmailmgr', 'user-dir'));
    expect(() => open().directory('user-dir')).toThrow(Temporary);
    mkfifo(join(global, 'separators'), 0o600);
    expect(() => open().string('separators')).toThrow(
      /unable to read the setting .*: not a regular/,
    );
  });

  test('of each name has its documented default', () => {
    const settings = open();
    for (const name of Object.keys(SETTINGS) as SettingName[]) {
      const { type, value } = SETTINGS[name];
      expect(settings[type](name as never)).toEqual(value);
    }
    expect(Object.keys(SETTINGS).length).toBe(28);
  });
});

test('a private instance has its global settings and its qmail-root below its own root', () => {
  expect(globalSettingsDirectory({})).toBe('/etc/vmailmgr');
  expect(globalSettingsDirectory({ QMAILHOME: '/var/qmail' })).toBe('/etc/vmailmgr');
  expect(globalSettingsDirectory({ QMAILHOME: '/home/me/mail' })).toBe(
    '/home/me/mail/etc/vmailmgr',
  );
  const settings = openSettings({ env: { QMAILHOME: home } });
  expect(settings.directory('qmail-root')).toBe(`${home}/`);
  host('x', ''); // not read: it lies in HOME/etc, not in HOME/etc/vmailmgr
  mkdirSync(join(global, 'vmailmgr'));
  writeFileSync(join(global, 'vmailmgr', 'qmail-root'), '/elsewhere');
  expect(openSettings({ env: { QMAILHOME: home } }).directory('qmail-root')).toBe('/elsewhere/');
});

test('hooks run in both places, the host’s first, if any x bit is set', () => {
  for (const directory of [global, join(home, '.vmailmgr')])
    for (const [name, mode] of [
      ['vdeliver-predeliver', 0o755],
      ['vdeliver-postdeliver', 0o644],
      ['checkvpw-postsetuid', 0o001],
    ] as const) {
      writeFileSync(join(directory, name), '#!/bin/sh\n');
      chmodSync(join(directory, name), mode);
    }
  mkdirSync(join(global, 'vsetup-pre'));
  expect(open().hooks('vdeliver-predeliver')).toEqual([
    join(global, 'vdeliver-predeliver'),
    join(home, '.vmailmgr', 'vdeliver-predeliver'),
  ]);
  expect(open().hooks('vdeliver-postdeliver')).toEqual([]);
  expect(open().hooks('checkvpw-postsetuid').length).toBe(2);
  expect(open().hooks('vsetup-pre')).toEqual([]);
  expect(openSettings({ global }).hooks('vdeliver-predeliver').length).toBe(1);
});

describe('a user’s directory', () => {
  test('is user-dir and the name with its dots made colons, in the case it was typed', () => {
    expect(userDirectory('John.Doe', open())).toBe('users/John:Doe');
    expect(userDirectory('..', open())).toBe('users/::');
  });

  test('is hashed by the CRC-32 of the name', () => {
    domain('user-dir-bits', '6');
    domain('user-dir-slices', '1');
    expect(userDirectory('c', open())).toBe('users/2f/c');
  });

  test('has as many levels as slices, of as many digits as the bits need', () => {
    // crc32("123456789") is cbf43926, the check value of the polynomial.
    expect(hashLevels('123456789', 4, 3)).toBe('6/2/9/');
    expect(hashLevels('123456789', 8, 4)).toBe('26/39/f4/cb/');
    expect(hashLevels('123456789', 9, 2)).toBe('126/01c/');
    expect(hashLevels('123456789', 32, 2)).toBe('cbf43926/00000000/');
    expect(hashLevels('123456789', 0, 3)).toBe('');
    expect(hashLevels('x', UNLIMITED, UNLIMITED).length).toBe(32 * 9);
  });
});

test('a new user has the limits of the settings, counted from now', () => {
  domain('default-hardquota', '5368709120');
  domain('default-expiry', '60');
  expect(userDefaults(open(), 1000)).toMatchObject({
    password: '*',
    hardQuota: 5368709120,
    softQuota: UNLIMITED,
    created: 1000,
    expiry: 1060,
    hasMailbox: false,
    mailboxEnabled: true,
  });
});

test('hooks see the user in their environment, unlimited as a dash', () => {
  const user = {
    ...userDefaults(open(), 5),
    directory: './users/j\xc3\xb6rg',
    personal: 'J\xf6rg',
    messageSize: 10,
    hasMailbox: true,
  };
  expect(virtualEnvironment('j\xc3\xb6rg', user)).toEqual({
    VUSER: 'jörg',
    MAILDIR: './users/jörg',
    VUSER_CTIME: '5',
    VUSER_EXPIRY: '-',
    VUSER_MSGCOUNT: '-',
    VUSER_MSGSIZE: '10',
    VUSER_PERSONAL: 'J\ufffdrg',
    VUSER_HARDQUOTA: '-',
    VUSER_SOFTQUOTA: '-',
    VUSER_HAS_MAILBOX: '1',
    VUSER_MAILBOX_ENABLED: '1',
  });
});

test('a user name has no slash, colon, white space or NUL', () => {
  for (const good of ['me', 'john.doe', '+', 'J\xf6rg', 'a@b', '..'])
    expect(isUserName(good)).toBe(true);
  for (const bad of ['', 'a/b', 'a:b', 'a b', 'a\n', 'a\tb', 'a\0'])
    expect(isUserName(bad)).toBe(false);
});
