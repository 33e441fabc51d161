// What the "Qmail VMailMgr and Courier-Imap HOWTO" makes an administrator and a domain's owner do, with real
// accounts: the owner works through su, logins go through checkvpw as root. Sending by SMTP and reading by POP3
// on such a host, supervised services and reloading are in real-host.test.ts.

import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { encodeCdb } from '@q/cdb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { changeAccounts, installed, isRoot, run } from './lib/run.ts';
import { collect, makeVirtualDomain, type Said, type VirtualDomain } from './lib/virtual-domain.ts';

const OWNER = 'qthowto';
const DOMAIN = 'howto.test';
const OWNERS_PASSWORD = 'owners secret';
/** MD5-crypt, as VMailMgr made it, of "password". */
const OLD_HASH = '$1$abcdefgh$G//4keteveJp0qb8z2DxG/';

describe.runIf(isRoot && installed('su', 'useradd'))(
  'the HOWTO (needs root, su and useradd)',
  () => {
    let tree: VirtualDomain;
    let home: string;
    let uid: number;
    let gid: number;

    beforeAll(async () => {
      await changeAccounts('userdel', [OWNER]);
      const made = await changeAccounts('useradd', ['-U', '-M', '-s', '/bin/sh', OWNER]);
      expect(made.code, made.err).toBe(0);
      await changeAccounts('chpasswd', [], `${OWNER}:${OWNERS_PASSWORD}\n`);
      const { out } = await run('getent', ['passwd', OWNER]);
      [uid, gid] = out.toString().split(':').slice(2, 4).map(Number) as [number, number];
    });
    afterAll(async () => {
      await changeAccounts('userdel', [OWNER]);
      await changeAccounts('groupdel', [OWNER]);
    });

    beforeEach(async () => {
      tree = await makeVirtualDomain('howto-');
      home = join(tree.home, '..', 'owner');
      mkdirSync(home);
      chownSync(home, uid, gid);
      await changeAccounts('usermod', ['-d', home, OWNER]);
      const probe = 'id -un; pwd; echo $MAILDIR; ls $MAILDIR/new';
      writeFileSync(join(tree.qmail, 'probe'), probe);
      // The one line by which the administrator gives the domain to its owner.
      writeFileSync(join(tree.qmail, 'control/virtualdomains'), `${DOMAIN}:${OWNER}\n`);
    });
    afterEach(() => tree.remove());

    /** What the owner types, in a shell of his own. */
    async function owner(script: string, input = ''): Promise<Said> {
      const line = `PATH=${DIST}:$PATH QMAILHOME=${tree.qmail}; export PATH QMAILHOME; ${script}`;
      const ran = await run('su', [OWNER, '-c', line], {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        cwd: '/',
        input,
      });
      return { code: ran.code, out: ran.out.toString('latin1'), err: ran.err };
    }

    async function asOwner(script: string, input = ''): Promise<string> {
      const { code, out, err } = await owner(script, input);
      expect(code, err).toBe(0);
      return out;
    }

    /** A login as qmail-popup makes it; what the program after checkvpw sees, and 1 for a refusal. */
    function login(user: string, password: string, env: NodeJS.ProcessEnv = {}): Promise<Said> {
      const child = spawn(join(DIST, 'checkvpw'), ['sh', join(tree.qmail, 'probe'), 'Maildir'], {
        env: { PATH: '/usr/bin:/bin', QMAILHOME: tree.qmail, ...env },
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        cwd: '/',
      });
      (child.stdio[3] as Writable).on('error', () => {}).end(`${user}\0${password}\0\0`);
      return collect(child);
    }

    const inbox = (user: string) => `${OWNER}\n${home}\n./users/${user}\n`;

    function write(path: string, content: string, mode = 0o644): void {
      mkdirSync(join(home, path, '..'), { recursive: true });
      chownSync(join(home, path, '..'), uid, gid);
      writeFileSync(join(home, path), content, { mode, encoding: 'latin1' });
      chownSync(join(home, path), uid, gid);
    }

    test('S3, S4: the owner sets the domain up and manages it by classic scripts, without root', async () => {
      await asOwner('vsetup');
      const script = `
      set -e
      cd /tmp
      echo secret | vadduser me
      vaddalias myself me
      vaddalias myname me other@example.org
      vaddalias + me
      vaddusers <<END
bob bobs-secret bobby
eve eves-secret
END
      echo changed | vpasswd bob
      printf 'eve changed-too\\n' | vpasswds
      vchattr -E 0 eve
      vchforwards eve bob
      vdeluser -D bobby
      listvdomain`;
      const out = await asOwner(script);
      expect(out.slice(out.indexOf('User Mailbox'))).toBe(
        'User Mailbox Aliases\nmailer-daemon No postmaster@\npostmaster No postmaster@\nroot No postmaster@\n' +
          'me Yes\nmyself No me\nmyname No me other@example.org\n+ No me\nbob Yes\neve Yes(disabled) bob\n',
      );
      expect((await login(`bob@${DOMAIN}`, 'changed')).out).toBe(inbox('bob'));
      expect((await login(`eve@${DOMAIN}`, 'changed-too')).code).toBe(0);
      expect((await login(`bob@${DOMAIN}`, 'bobs-secret')).code).toBe(1);
      expect((await owner('vdeluser nobody')).code).toBe(1);
    });

    test('S5: user@domain, user:domain, owner-user, and the bare name where the address is called like the domain; system users too', async () => {
      await asOwner('vsetup --quiet; echo secret | vadduser --quiet me');
      for (const name of [`me@${DOMAIN}`, `ME:${DOMAIN.toUpperCase()}`, `${OWNER}-me`])
        expect(await login(name, 'secret'), name).toMatchObject({ code: 0, out: inbox('me') });
      expect(await login('me', 'secret', { TCPLOCALHOST: DOMAIN })).toMatchObject({
        code: 0,
        out: inbox('me'),
      });
      expect((await login('me', 'secret', { TCPLOCALHOST: 'other.test' })).code).toBe(1);
      write('Maildir/new/1.1.host', 'mail of the owner');
      expect(await login(OWNER, OWNERS_PASSWORD)).toMatchObject({
        code: 0,
        out: `${OWNER}\n${home}\nMaildir\n1.1.host\n`,
      });
    });

    test('S10: bulletins come with the login, by the hook of the domain', async () => {
      await asOwner('vsetup --quiet; echo secret | vadduser --quiet me');
      write('bulletins/hello', 'Subject: hello\n\n');
      write('.vmailmgr/checkvpw-postsetuid', `#!/bin/sh\nexec ${DIST}/vpopbull bulletins\n`, 0o755);
      for (let times = 0; times < 2; times++) {
        const { out } = await login(`me@${DOMAIN}`, 'secret');
        expect(out.slice(inbox('me').length)).toMatch(/^\S+\n$/);
      }
    });

    test('S14: a tree of old, with text table, one configuration file and *, is upgraded by its owner', async () => {
      write('passwd', `me:${OLD_HASH}:./users/me\nall:*:&me,you@example.org\n*:*:me\n`);
      write('vmailmgr.conf', '# of 0.88\nuser-dir = users\npostmaster-aliases = root,postmaster\n');
      await asOwner(
        'mkdir .vmailmgr 2>/dev/null; cd; mkdir -p .vmailmgr; vconf2dir vmailmgr.conf .vmailmgr; vupgrade',
      );
      expect(await asOwner('listvdomain')).toBe(
        'User Mailbox Aliases\nme Yes\nall No me you@example.org\n+ No me\n',
      );
      expect((await login(`me@${DOMAIN}`, 'password')).out).toBe(inbox('me'));
    });

    test('S14: records of versions 0, 1 and 2 in one table log in as they are; old hashes become strong ones if so set', async () => {
      const rest = `\0\0\0${'-\0'.repeat(4)}1\0-\0`;
      const records: [string, string][] = [
        ['zero', `:${OLD_HASH}:./users/zero`],
        ['one', `\x01${OLD_HASH}\0./users/one${rest}`],
        ['two', `\x02\x0a\x01\x08\x01\0${OLD_HASH}\0./users/two${rest}`],
      ];
      write('passwd.cdb', encodeCdb(records).toString('latin1'), 0o600);
      for (const [name] of records)
        for (const sub of ['cur', 'new', 'tmp']) write(`users/${name}/${sub}/.keep`, '');
      for (const [name] of records) {
        expect((await login(`${name}@${DOMAIN}`, 'password')).out, name).toBe(inbox(name));
        expect(await asOwner(`dumpvuser ${name}`)).toContain(`Encrypted-Password: ${OLD_HASH}\n`);
      }
      write('.vmailmgr/rehash-passwords', '1\n');
      for (const [name] of records) {
        expect((await login(`${name}@${DOMAIN}`, 'wrong')).code).toBe(1);
        expect(await asOwner(`dumpvuser ${name}`)).toContain(`Encrypted-Password: ${OLD_HASH}\n`);
        expect((await login(`${name}@${DOMAIN}`, 'password')).out).toBe(inbox(name));
        expect(await asOwner(`dumpvuser ${name}`)).toMatch(/^Encrypted-Password: \$(y|6)\$/m);
        expect((await login(`${name}@${DOMAIN}`, 'password')).out).toBe(inbox(name));
      }
    });

    test('S15: control files elsewhere by the setting qmail-root, and programs reached by links from another directory', async () => {
      const elsewhere = join(tree.home, '..', 'elsewhere');
      mkdirSync(join(elsewhere, 'control'), { recursive: true });
      mkdirSync(join(elsewhere, 'sbin'));
      writeFileSync(join(elsewhere, 'control/virtualdomains'), `moved.test:${OWNER}\n`);
      writeFileSync(join(tree.qmail, 'etc/vmailmgr/qmail-root'), `${elsewhere}\n`);
      for (const name of ['vsetup', 'vadduser', 'vdeliver'])
        symlinkSync(join(DIST, name), join(elsewhere, 'sbin', name));
      chmodSync(elsewhere, 0o755);
      await asOwner(
        `${elsewhere}/sbin/vsetup --quiet; echo secret | ${elsewhere}/sbin/vadduser me`,
      );
      expect(await asOwner('cat .qmail-default ~/.qmail-default 2>/dev/null | tail -1')).toBe(
        `|${elsewhere}/sbin/vdeliver\n`,
      );
      expect((await login('me@moved.test', 'secret')).out).toBe(inbox('me'));
      expect((await login(`me@${DOMAIN}`, 'secret')).code).toBe(1);
      expect(readdirSync(join(home, 'users/me')).sort()).toEqual(['cur', 'new', 'tmp']);
    });

    test('S16: unknown, expired and wrong are refused alike', async () => {
      await asOwner('vsetup --quiet; echo secret | vadduser --quiet me; vchattr --quiet -e 1 me');
      for (const [name, password] of [
        ['me', 'secret'],
        ['me', 'wrong'],
        ['nobody', 'secret'],
        ['postmaster', 'secret'],
      ] as const)
        expect(await login(`${name}@${DOMAIN}`, password), name).toEqual({
          code: 1,
          out: '',
          err: '',
        });
    });
  },
);
