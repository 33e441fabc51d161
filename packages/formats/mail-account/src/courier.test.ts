// Debian's Courier beside us on the same Maildirs: its imapd, maildirmake and maildiracl, unpacked and not installed
// (test/lib/unpack-courier.sh, which .ci/run calls).

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeAcl } from './acl-entries.ts';
import type { MailAccount } from './index.ts';
import { namesOf, useMaildir } from './testing/maildir.ts';

const PLACE = process.env.QMAILTS_COURIER ?? '/var/tmp/qmail-ts-courier';
const isUnpacked = existsSync(join(PLACE, 'usr/bin/maildiracl'));
if (!isUnpacked && process.env.QMAILTS_COMPLETE !== undefined)
  throw new Error(`Courier is not unpacked in ${PLACE}`);

const maildir = useMaildir();

const LIBRARIES = [
  'usr/lib/x86_64-linux-gnu',
  'usr/lib',
  'usr/lib/courier-authlib',
  'lib/x86_64-linux-gnu',
];

function courier(program: string, args: readonly string[], input = ''): string {
  return execFileSync(join(PLACE, 'usr/bin', program), args, {
    cwd: maildir.top,
    input,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      LD_LIBRARY_PATH: LIBRARIES.map((one) => join(PLACE, one)).join(':'),
      HOME: maildir.top,
      AUTHENTICATED: 'ann',
      AUTHADDR: 'ann',
      IMAPLOGINTAG: 'login',
      PROTOCOL: 'IMAP',
      TCPREMOTEIP: '127.0.0.1',
      TCPREMOTEPORT: '1',
      IMAP_CAPABILITY: 'IMAP4rev1 ACL ACL2=UNION',
      IMAP_ACL: '1',
      IMAP_KEYWORDS: '1',
      // Its waiting for locks asks a service for changes of files, which is not there.
      IMAP_USELOCKS: '0',
      IMAP_SHAREDINDEXFILE: join(maildir.top, 'index'),
    },
  }).toString('latin1');
}

/** What its imapd answers to commands in the Maildir `name`: untagged lines, and tagged ones that say NO or BAD. */
function imap(name: string, commands: readonly string[]): string[] {
  const lines = [...commands, 'LOGOUT'].map((command) => `t ${command}\r\n`).join('');
  const answers = courier('imapd', [name], lines).split('\r\n');
  return answers.filter((line) => /^(?:\* (?!OK|BYE)|t (?!OK))/.test(line));
}

/** Every file that says something of folders, with what is in it, and every directory. */
function contents(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    // The numbers of messages are not what this is about; Courier notes inherited lists whenever it looks.
    if (/courierimapuiddb|courierimapkeywords|courierimaphieracl|imapaccount\.lock/.test(path))
      continue;
    const full = join(root, path);
    found[path] = statSync(full).isDirectory() ? 'directory' : readFileSync(full, 'latin1');
  }
  return found;
}

describe.runIf(isUnpacked)('with Courier, which is unpacked', () => {
  test('the same commands leave the same files', async () => {
    courier('maildirmake.courier', [join(maildir.top, 'theirs')]);
    const refused = imap('theirs', [
      'CREATE INBOX.Arch.T&AOk-st',
      'CREATE "INBOX.Arch.with space"',
      'CREATE INBOX.R&-D',
      'CREATE INBOX.gone',
      'CREATE INBOX.old',
      'CREATE INBOX.old.below',
      'SUBSCRIBE INBOX.Arch.T&AOk-st',
      'SUBSCRIBE INBOX',
      'SUBSCRIBE INBOX.gone',
      'SETACL INBOX.Arch.T&AOk-st bob lrs',
      'SETACL INBOX.Arch.T&AOk-st -eve w',
      'SETACL INBOX.Arch.T&AOk-st bob +wi',
      'SETACL INBOX.Arch.T&AOk-st bob -r',
      'SETACL INBOX.R&-D anyone lr',
      'DELETEACL INBOX.R&-D anyone',
      'UNSUBSCRIBE INBOX.gone',
      'DELETE INBOX.gone',
      'RENAME INBOX.old INBOX.Neu',
    ]);
    expect(refused.filter((line) => !line.startsWith('* '))).toEqual([]);

    const account = await maildir.open({ namespace: 'courier' });
    for (const name of ['Arch.Tést', 'Arch.with space', 'R&D', 'gone', 'old', 'old.below'])
      await account.create(`INBOX.${name}`, []);
    for (const name of ['INBOX.Arch.Tést', 'INBOX', 'INBOX.gone']) await account.subscribe(name);
    const place = account.locate('INBOX.Arch.Tést');
    await account.setAcl(place, 'bob', 'replace', 'lrs');
    await account.setAcl(place, '-eve', 'replace', 'w');
    await account.setAcl(place, 'user=bob', 'add', 'wi');
    await account.setAcl(place, 'user=bob', 'remove', 'r');
    await account.setAcl(account.locate('INBOX.R&D'), 'anyone', 'replace', 'lr');
    await account.deleteAcl(account.locate('INBOX.R&D'), 'anyone');
    await account.unsubscribe('INBOX.gone');
    await account.remove('INBOX.gone');
    await account.rename('INBOX.old', 'INBOX.Neu');

    expect(contents(maildir.root)).toEqual(contents(join(maildir.top, 'theirs')));
  });

  test('Courier lists, subscribes and gives what we made', async () => {
    const account = await maildir.open();
    for (const name of ['Arch/Tést', 'R&D', 'Arch/Tést/x']) await account.create(name, []);
    await account.subscribe('Arch/Tést');
    await account.setAcl(account.locate('R&D'), 'bob', 'replace', 'lrk');
    const answers = imap('Maildir', [
      'LIST "" *',
      'LSUB "" *',
      'GETACL INBOX.R&-D',
      'MYRIGHTS INBOX.R&-D',
    ]);
    expect(answers.sort()).toEqual(
      [
        '* ACL "INBOX.R&-D" "owner" "acdilrsw" "administrators" "acdilrsw" "bob" "clr"',
        '* LIST (\\HasChildren) "." "INBOX.Arch.T&AOk-st"',
        '* LIST (\\HasNoChildren) "." "INBOX.Arch.T&AOk-st.x"',
        '* LIST (\\HasNoChildren) "." "INBOX.R&-D"',
        '* LIST (\\Noselect \\HasChildren) "." "INBOX.Arch"',
        '* LIST (\\Unmarked \\HasChildren) "." "INBOX"',
        '* LSUB (\\HasNoChildren) "." "INBOX.Arch.T&AOk-st"',
        '* LSUB (\\Noselect \\HasChildren) "." "INBOX"',
        '* LSUB (\\Noselect \\HasChildren) "." "INBOX.Arch"',
        '* MYRIGHTS "INBOX.R&-D" "acdilrsw"',
      ].sort(),
    );
  });

  test('each of us sees of the other accounts what the other sees', async () => {
    const index = join(maildir.top, 'index');
    writeFileSync(index, `group\t*\tindex.group\nb.ob\t1\t1\t${maildir.top}/bob\n`);
    writeFileSync(`${index}.group`, `carl\t1\t1\t${maildir.top}/carl\n`);
    for (const user of ['bob', 'carl'])
      for (const directory of ['', '.Plans', '.Plans.2026', '.Secret'])
        maildir.makeFolder(join(user, 'Maildir', directory), maildir.top);
    const allow = (folder: string, lines: string) =>
      writeFileSync(join(maildir.top, folder, 'courierimapacl'), lines);
    allow('bob/Maildir', 'owner aceilrstwx\n');
    allow('bob/Maildir/.Plans.2026', 'owner aceilrstwx\nuser=ann lrs\n');
    allow('carl/Maildir', 'owner aceilrstwx\nanyone lr\n-user=ann r\n');
    allow('carl/Maildir/.Secret', 'owner aceilrstwx\n');
    const answers = imap('Maildir', ['LIST "" "#shared.*"', 'MYRIGHTS #shared.group.carl']);
    const theirs = answers.slice(0, -1).map((line) => line.replace(/.* "(.*)"$/, '$1'));
    const account = await maildir.open({ namespace: 'courier', sharedIndex: index });
    const ours = (await account.folders()).filter(({ name }) => name !== 'INBOX');
    expect(theirs.sort()).toEqual(ours.map(({ name }) => name).sort());
    expect(theirs).toContain('#shared.group.carl.Plans');
    expect(theirs).not.toContain('#shared.group.carl.Secret');
    expect(answers.at(-1)).toBe('* MYRIGHTS "#shared.group.carl" "l"');
    expect(await account.rights(account.locate('#shared.group.carl'))).toBe('l');
  });

  test.each([
    'owner la\nuser=ann r\n',
    'owner lrswcxtea\n-user=ann rw\nanyone i\n',
    'owner l\nadministrators l\ngroup=sales cx\n-group=sales x\n',
    'anyone lr\n-anyone r\n-owner t\nanonymous s\n',
    'owner lrs\nowner lw\nuser=ann\n',
  ])('rights are computed alike from %j', async (text) => {
    const dir = maildir.makeFolder('.a');
    writeFileSync(join(dir, 'courierimapacl'), text);
    const account = await maildir.open({ groups: ['sales'] });
    const place = account.locate('a');
    const computed = (identifiers: readonly string[]) =>
      courier('maildiracl', ['-compute', maildir.root, 'INBOX.a', ...identifiers]).trim();
    const letters = async (one: MailAccount) =>
      encodeAcl([{ identifier: 'x', rights: await one.rights(place) }])
        .toString()
        .slice(2, -1);
    // As the owner: Courier keeps a for him, we keep l as well.
    const owner = computed(['owner', 'user=ann', 'group=sales']);
    expect(await letters(account)).toBe([...new Set([...owner, 'l'])].sort().join(''));
  });

  test('the list of accounts of the old kind of sharing is what maildirmake writes', async () => {
    courier('maildirmake.courier', ['-S', join(maildir.top, 'firm')]);
    courier('maildirmake.courier', ['-s', 'read', '-f', 'Plans', join(maildir.top, 'firm')]);
    courier('maildirmake.courier', ['--add', `firm=${join(maildir.top, 'firm')}`, maildir.root]);
    const account = await maildir.open({ namespace: 'courier' });
    expect(await namesOf(account)).toEqual(['INBOX', 'shared.firm-+', 'shared.firm.Plans-']);
    maildir.put('firm/.Plans/new/1.a', 10, maildir.top);
    expect(
      imap('Maildir', ['SUBSCRIBE shared.firm.Plans', 'STATUS shared.firm.Plans (MESSAGES)']),
    ).toEqual(['* STATUS "shared.firm.Plans" (MESSAGES 1)']);
    expect(await account.find('shared.firm.Plans', 'rs')).toMatchObject({ space: 'shared' });
    await account.unsubscribe('shared.firm.Plans');
    expect(existsSync(join(maildir.root, 'shared-folders/firm/Plans'))).toBe(false);
    await account.subscribe('shared.firm.Plans');
    expect(imap('Maildir', ['STATUS shared.firm.Plans (MESSAGES)'])).toEqual([
      '* STATUS "shared.firm.Plans" (MESSAGES 1)',
    ]);
  });
});
