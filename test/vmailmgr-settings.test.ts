// The settings of a virtual domain, as the programs keep to them: vmailmgr(7).

import { chownSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

let domain: VirtualDomain;
beforeEach(async () => {
  domain = await makeVirtualDomain('vmailmgr-settings-');
});
afterEach(() => domain.remove());

const inHome = (path: string) => join(domain.home, path);
const global = (name: string, text: string) =>
  domain.write(join(domain.qmail, 'etc/vmailmgr', name), text);
const own = (name: string, text: string) => domain.write(inHome(`.vmailmgr/${name}`), text);

async function done(program: string, ...args: readonly string[]): Promise<string> {
  const said = await domain.tool(program, args);
  expect(said).toMatchObject({ code: 0, err: '' });
  return said.out;
}

const dumped = async (name: string) => JSON.parse(await done('dumpvuser', '--json', name));

test('the domain goes before the host, and what is empty or no number there does not count', async () => {
  const limits = ['msgcount', 'msgsize', 'hardquota', 'softquota'];
  for (const name of limits) global(`default-${name}`, '7\n');
  own('default-msgcount', ' 9 messages\n');
  own('default-msgsize', 'many\n');
  own('default-hardquota', '\n');
  own('default-softquota', '-\n');
  own('default-expiry', '3600\n');
  await done('vadduser', '-P', 'joe');
  const { created, ...joe } = await dumped('joe');
  expect(joe).toMatchObject({ messageCount: 9, messageSize: 7, hardQuota: 7, softQuota: null });
  expect(Math.abs(joe.expiry - created - 3600)).toBeLessThan(600);
});

test('the names of the table, the directories, the catch-all and the postmasters are settings', async () => {
  own('password-file', 'accounts\n');
  own('user-dir', 'boxes\n');
  own('default-username', 'everybody\n');
  own('postmaster-aliases', '# who reports trouble\n\nabuse\n');
  own('postmaster-email', 'admin@example.org\n');
  await done('vsetup');
  await done('vadduser', '-P', 'joe.doe');
  await done('vaddalias', 'everybody', 'joe.doe');
  expect(await done('listvdomain')).toBe(
    'User Mailbox Aliases\nabuse No admin@example.org\njoe.doe Yes\neverybody No joe.doe\n',
  );
  expect([existsSync(inHome('accounts.cdb')), existsSync(inHome('passwd.cdb'))]).toEqual([
    true,
    false,
  ]);
  expect((await domain.deliver('joe.doe')).code).toBe(0);
  expect(readdirSync(inHome('boxes/joe:doe/new'))).toHaveLength(1);
  const queued = inHome('queued');
  const queue = `#!/bin/sh\ncat >/dev/null\ncat <&1 >'${queued}'\n`;
  domain.write(join(domain.qmail, 'bin/qmail-queue'), queue, 0o755);
  expect((await domain.deliver('whoever')).code).toBe(0);
  expect(readFileSync(queued, 'latin1')).toContain('Tjoe.doe@dom.test\0');
});

test('the place of an autoresponse is a setting', async () => {
  own('autoresponse-dir', 'away/\n');
  own('autoresponse-file', 'text\n');
  await done('vadduser', '-P', 'joe');
  domain.write(inHome('users/joe/away/text'), 'Back on Monday.\n');
  chownSync(inHome('users/joe/away'), domain.uid, domain.gid);
  const queued = inHome('queued');
  domain.write(join(domain.qmail, 'bin/qmail-queue'), `#!/bin/sh\ncat >'${queued}'\n`, 0o755);
  expect((await domain.deliver('joe', { message: 'To: joe@dom.test\n\nhello\n' })).code).toBe(0);
  expect(readFileSync(queued, 'latin1')).toContain('Back on Monday.\n');
});

test('one that cannot be read is said, and mail waits for it', async () => {
  await done('vadduser', '-P', 'joe');
  domain.write(inHome('.vmailmgr/password-file/what'), '');
  const said = await domain.tool('listvdomain', []);
  expect(said).toMatchObject({ code: 1, out: '' });
  expect(said.err).toContain('unable to read the setting');
  expect((await domain.deliver('joe')).code).toBe(111);
  rmSync(inHome('.vmailmgr/password-file'), { recursive: true });
  expect((await domain.deliver('joe')).code).toBe(0);
});
