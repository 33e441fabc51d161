import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSetting, readSettings, wishOf } from './settings.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'imapd-settings-'));
  mkdirSync(join(home, 'control'));
});
afterEach(() => rmSync(home, { recursive: true }));

const file = (text: string) => writeFileSync(join(home, 'control/imapd'), text);
const read = (env: Readonly<Record<string, string>> = {}) =>
  readSettings({ QMAILHOME: home, ...env });

test('without any setting nothing is deleted, and all is on', () => {
  const { session, emptyTrash, namespace, umask, disabled, sharedIndex, quota } = read();
  expect(session).toMatchObject({
    keywords: true,
    acl: true,
    expungeToTrash: false,
    trashFolder: 'Trash',
    idlePoll: 60,
  });
  expect([emptyTrash.size, namespace, umask, disabled, sharedIndex, quota]).toEqual([
    0,
    'modern',
    0o022,
    false,
    undefined,
    undefined,
  ]);
});

test('Courier’s own file is understood, and what is none of ours passed over', () => {
  file(
    [
      '##VERSION: $Id$',
      'ADDRESS=0',
      'IMAP_CAPABILITY="IMAP4rev1 UIDPLUS"',
      'IMAP_EMPTYTRASH=Trash:7,Sent.Old:30,Bad,Never:0',
      "IMAP_TRASHFOLDERNAME='Deleted Items'  # for some clients",
      'IMAP_MOVE_EXPUNGE_TO_TRASH=1',
      'IMAP_KEYWORDS=0',
      'IMAP_UMASK=077',
      'if test -f x; then',
      '',
    ].join('\n'),
  );
  const { session, emptyTrash, umask } = read();
  expect([...emptyTrash]).toEqual([
    ['Trash', 7 * 86_400],
    ['Sent.Old', 30 * 86_400],
  ]);
  expect(session).toMatchObject({
    trashFolder: 'Deleted Items',
    expungeToTrash: true,
    keywords: false,
  });
  expect(umask).toBe(0o077);
});

test('the environment goes before the file, an empty value being none', () => {
  file('IMAP_NAMESPACE=courier\nIMAP_TLS_REQUIRED=1\n');
  expect(read().namespace).toBe('courier');
  expect(read({ IMAP_NAMESPACE: 'modern' }).namespace).toBe('modern');
  expect(read({ IMAP_NAMESPACE: '' }).namespace).toBe('modern');
  expect(readSetting({ QMAILHOME: home }, 'IMAP_TLS_REQUIRED')).toBe('1');
});

test('folders are locked, unless IMAP_USELOCKS says that nobody else is there', () => {
  const locks = (env: Record<string, string> = {}) => wishOf(read(env), 'joe', '/m').useLocks;
  expect([locks(), locks({ IMAP_USELOCKS: '1' }), locks({ IMAP_USELOCKS: '0' })]).toEqual([
    true,
    true,
    false,
  ]);
});

test('the account’s options', () => {
  file('IMAP_SHAREDINDEXFILE=/etc/shared/index\n');
  const all = read({
    OPTIONS: 'disableimap,disableshared=0,sharedgroup=-a,group=x,group=y',
    MAILDIRQUOTA: '1000S',
  });
  expect(all).toMatchObject({
    disabled: true,
    disabledInClear: false,
    shared: true,
    groups: ['x', 'y'],
  });
  expect(wishOf(all, 'joe', '/m')).toMatchObject({
    user: 'joe',
    root: '/m',
    quota: '1000S',
    sharedIndex: '/etc/shared/index-a',
  });
  expect(read({ OPTIONS: 'sharedgroup=/../etc' }).sharedIndex).toBe('/etc/shared/index');
  expect(read({ IMAP_ACL: '0' }).sharedIndex).toBeUndefined();
});

test.each([
  ['IMAP_UMASK', '999'],
  ['IMAP_NAMESPACE', 'ours'],
  ['IMAP_APPENDLIMIT', '10MB'],
])('%s=%s is refused, rather than taken for something else', (name, value) => {
  expect(() => read({ [name]: value })).toThrow(name);
});

test('the outbox: a folder, and what sends', () => {
  expect(read().session.outbox).toBeUndefined();
  const env = { OUTBOX: '.Mail.Out', SENDMAIL: '/x/sendmail' };
  expect(read(env).session.outbox).toEqual({
    dir: '.Mail.Out',
    name: 'Mail/Out',
    sendmail: '/x/sendmail',
    headerFrom: 'X-IMAP-Sender',
    multiple: false,
  });
  file('OUTBOX=.Out\nSENDMAIL=/x/y\nHEADERFROM=X-By\nOUTBOX_MULTIPLE_SEND=1\n');
  expect(read({ IMAP_NAMESPACE: 'courier' }).session.outbox).toMatchObject({
    name: 'INBOX.Out',
    headerFrom: 'X-By',
    multiple: true,
  });
  for (const wrong of ['Outbox', '.', '..', '.a/b', './.Out', '.Out.', '.a b', '.é'])
    expect(() => read({ ...env, OUTBOX: wrong })).toThrow('OUTBOX');
  for (const wrong of ['X Y', 'X:', 'é', 'X\nY'])
    expect(() => read({ ...env, HEADERFROM: wrong })).toThrow('HEADERFROM');
});
