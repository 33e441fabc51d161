// qmail-showctl, as built: what it says of settings that are there, that are not, and that it does not know.

import { chmodSync, mkdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestQueue } from './lib/queue.ts';

let host: TestQueue;

beforeEach(() => {
  host = new TestQueue();
});
afterEach(() => host.remove());

async function paragraphs(): Promise<string[]> {
  const { out } = await host.run('qmail-showctl');
  return out.toString('latin1').trimEnd().split('\n\n');
}

async function about(name: string): Promise<string | undefined> {
  return (await paragraphs()).find((paragraph) => paragraph.startsWith(`${name}: `));
}

test('begins with what is compiled in and with the users', async () => {
  const ids = Array(8).fill(host.uid);
  ids[3] = 0;
  expect((await paragraphs())[0]).toBe(
    `qmail home directory: ${host.home}.\nuser-ext delimiter: -.\npaternalism (in decimal): 2.\n` +
      'silent concurrency limit: 120.\nsubdirectory split: 23.\n' +
      `user ids: ${ids.join(', ')}.\ngroup ids: ${host.gid}, ${host.gid}.`,
  );
});

test('says what holds without a file', async () => {
  expect(await about('queuelifetime')).toBe(
    'queuelifetime: (Default.) A message is tried for 604800 seconds.',
  );
  expect(await about('helohost')).toBe(
    'helohost: (Default.) This host calls itself mail.test when it sends mail.',
  );
  expect(await about('badmailfrom')).toBe('badmailfrom: (Default.) Nobody is refused as a sender.');
});

test('warns of an open relay', async () => {
  expect(await about('rcpthosts')).toContain('open relay');
  host.file('control/rcpthosts', '');
  expect(await about('rcpthosts')).toBe('rcpthosts: (Empty.)');
});

test('reads lines, numbers, lists and maps as the programs do', async () => {
  host.file('control/queuelifetime', '3600 an hour\n');
  host.file('control/databytes', 'many\n');
  host.file('control/rcpthosts', '# ours\nexample.org \n\n.example.net\n');
  host.file('control/virtualdomains', 'v.test:joe\nexception.v.test:\nnonsense\n:alias-all\n');
  expect(await about('queuelifetime')).toBe('queuelifetime: A message is tried for 3600 seconds.');
  expect(await about('databytes')).toContain('A message may have any size.');
  expect(await about('rcpthosts')).toBe(
    'rcpthosts: \nMail is taken for example.org.\nMail is taken for .example.net.',
  );
  expect(await about('virtualdomains')).toBe(
    'virtualdomains: \nMail for v.test goes to joe-.\nexception.v.test is no virtual domain.\n' +
      'Without meaning, it has no colon: nonsense.\nAll other mail goes to alias-all-.',
  );
});

test('says that it does not know a file', async () => {
  host.file('control/rcpthost', 'a misspelling\n');
  expect(await about('rcpthost')).toBe('rcpthost: I have no idea what this file does.');
});

test('warns when morercpthosts.cdb is missing or older than its text', async () => {
  const text = host.file('control/morercpthosts', 'example.org\n');
  expect((await paragraphs()).at(-1)).toMatch(/^warning: .*morercpthosts\.cdb is missing/);
  await host.run('qmail-newmrh');
  expect((await paragraphs()).at(-1)).not.toContain('warning');
  const later = Date.now() / 1000 + 10;
  utimesSync(text, later, later);
  expect((await paragraphs()).at(-1)).toMatch(/^warning: morercpthosts\.cdb is older/);
});

test('without control/me it says so, and shows the rest', async () => {
  rmSync(join(host.home, 'control/me'));
  expect(await about('me')).toContain('Missing!');
  expect(await about('helohost')).toContain('control/me, which is missing');
  expect(await about('bouncehost')).toBe(
    'bouncehost: (Default.) Bounces come from the host bouncehost.',
  );
});

test('a file that cannot be read is named, the rest is shown, and the exit code is 111', async () => {
  const path = join(host.home, 'control/locals');
  mkdirSync(path);
  chmodSync(path, 0o755);
  const { code, out } = await host.run('qmail-showctl');
  expect(code).toBe(111);
  expect(out.toString()).toContain('locals: unable to read control/locals: ');
  expect(out.toString()).toContain('virtualdomains: ');
});

test('no byte of a file disturbs a terminal', async () => {
  host.file('control/smtpgreeting', 'mail \x1b[2J\n');
  host.file('control/locals', 'a\rb\n');
  expect(await about('smtpgreeting')).toBe('smtpgreeting: SMTP greeting: 220 mail _[2J.');
  expect(await about('locals')).toBe('locals: \nMail for a_b is for users of this host.');
});

test('gives JSON with values as they are', async () => {
  host.file('control/locals', 'caf\u00e9.test\nb.test\n');
  host.file('control/foo', '');
  const { out } = await host.run('qmail-showctl', '--json');
  const shown = JSON.parse(out.toString('utf8'));
  expect(shown).toMatchObject({
    home: host.home,
    split: 23,
    ids: { single: true },
    unknown: ['foo'],
  });
  expect(shown.settings).toContainEqual({
    name: 'locals',
    kind: 'list',
    byDefault: false,
    values: ['caf\u00e9.test', 'b.test'],
  });
});

test('knows every file that qmail-control(5) describes, with its kind and default', async () => {
  const page = readFileSync(join(import.meta.dirname, '../man/qmail-control.5'), 'utf8');
  const rows = [
    ...page.matchAll(/^\.It ([a-z0-9.]+) Ta (line|int|list|map|cdb) Ta (?:(.*?) )?Ta /gm),
  ];
  expect(rows.length).toBeGreaterThan(20);
  const { out } = await host.run('qmail-showctl', '--json');
  const { settings } = JSON.parse(out.toString('utf8'));
  const known = new Map<string, { kind: string; values?: string[] }>(
    settings.map((setting: { name: string; kind: string }) => [setting.name, setting]),
  );
  for (const [, name = '', kind, fallback = ''] of rows) {
    const setting = known.get(name);
    expect(setting?.kind, name).toBe(kind === 'cdb' ? 'other' : kind);
    if (kind === 'int') expect(setting?.values, name).toEqual([fallback]);
  }
  // The other way round: what no program of ours reads itself is all that the page leaves out.
  const described = new Set(rows.map(([, name]) => name));
  const more = [...known.keys()].filter((name) => !described.has(name));
  expect(more).toEqual(['concurrencyincoming', 'defaultdelivery', 'morercpthosts']);
});
