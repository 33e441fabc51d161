import { execFileSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Permanent } from '@q/fault';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  cleanTmp,
  type Entry,
  entryPath,
  isMaildir,
  makeMaildir,
  openEntry,
  openEntrySync,
  scanMaildir,
  statEntry,
  statEntrySync,
} from './index.ts';

let dir: string;
let maildir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'maildir-'));
  maildir = join(dir, 'Maildir');
  await makeMaildir(maildir);
});
afterEach(() => rmSync(dir, { recursive: true }));

const put = (name: string, content = '') => writeFileSync(join(maildir, name), content);
const names = (entries: Entry[]) => entries.map(({ dir, name }) => `${dir}/${name}`).sort();

test('a new maildir has tmp, new and cur, private whatever the umask', async () => {
  const before = process.umask(0);
  try {
    await makeMaildir(join(dir, 'open'));
  } finally {
    process.umask(before);
  }
  expect(readdirSync(join(dir, 'open')).sort()).toEqual(['cur', 'new', 'tmp']);
  for (const name of ['.', 'tmp', 'new', 'cur']) {
    expect(statSync(join(dir, 'open', name)).mode & 0o777).toBe(0o700);
  }
  await makeMaildir(join(dir, 'virtual'), { directory: 0o700, inner: 0o755 });
  expect(statSync(join(dir, 'virtual')).mode & 0o777).toBe(0o700);
  expect(statSync(join(dir, 'virtual/cur')).mode & 0o777).toBe(0o755);
});

test('a maildir is not made over something, nor below nothing', async () => {
  await expect(makeMaildir(maildir)).rejects.toThrow(Permanent);
  await expect(makeMaildir(join(dir, 'missing/Maildir'))).rejects.toThrow('unable to make maildir');
});

test('a maildir is known by its three directories', async () => {
  expect(await isMaildir(maildir)).toBe(true);
  expect(await isMaildir(Buffer.from(maildir))).toBe(true);
  expect(await isMaildir(dir)).toBe(false);
  expect(await isMaildir(join(dir, 'missing'))).toBe(false);
  rmSync(join(maildir, 'cur'), { recursive: true });
  put('cur');
  expect(await isMaildir(maildir)).toBe(false);
});

test('a scan finds the messages with their flags and claimed sizes', async () => {
  put('new/1.1.host,S=5');
  put('cur/2.1.host:2,SR');
  put('cur/3.1.host');
  put('tmp/4.1.host');
  expect((await scanMaildir(maildir)).sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { dir: 'new', name: '1.1.host,S=5', unique: '1.1.host,S=5', flags: '', size: 5 },
    { dir: 'cur', name: '2.1.host:2,SR', unique: '2.1.host', flags: 'RS', size: undefined },
    { dir: 'cur', name: '3.1.host', unique: '3.1.host', flags: '', size: undefined },
  ]);
});

test('names of any bytes come out whole and lead back to their files', async () => {
  const odd = [
    ' ',
    'a\nb',
    'caf\xe9',
    '\xff\xfe',
    '*?`$(x)',
    'x'.repeat(255),
    '%2e%2e',
    '\u00c3\u00a9',
  ];
  for (const name of odd) writeFileSync(entryPath(maildir, { dir: 'cur', name }), name, 'latin1');
  const entries = await scanMaildir(Buffer.from(maildir));
  expect(entries.map(({ name }) => name).sort()).toEqual([...odd].sort());
  for (const entry of entries) {
    expect(await statEntry(maildir, entry)).toMatchObject({ size: entry.name.length });
    expect(readFileSync(entryPath(maildir, entry), 'latin1')).toBe(entry.name);
  }
});

test('a link to a regular file is a message, as a bulletin is', async () => {
  put('bulletin', 'all of it\n');
  symlinkSync('../bulletin', join(maildir, 'cur/link:2,S'));
  const [entry, ...others] = await scanMaildir(maildir);
  if (entry === undefined) throw new Error('not found');
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ dir: 'cur', unique: 'link', flags: 'S' });
  expect(await statEntry(maildir, entry)).toMatchObject({ size: 10 });
  expect(statEntrySync(maildir, entry)?.size).toBe(10);
  const fd = await openEntry(maildir, entry);
  if (fd === undefined) throw new Error('not opened');
  expect(readFileSync(fd, 'latin1')).toBe('all of it\n');
  closeSync(fd);
  const opened = openEntrySync(maildir, entry);
  expect(opened?.size).toBe(10);
  if (opened !== undefined) closeSync(opened.fd);
});

test('dot files, directories, FIFOs, sockets and links to anything else are no messages, and are never read', async () => {
  put('new/.hidden');
  mkdirSync(join(maildir, 'cur/directory'));
  symlinkSync('../tmp', join(maildir, 'cur/link'));
  symlinkSync('nowhere', join(maildir, 'new/dangling'));
  symlinkSync('circle', join(maildir, 'cur/circle'));
  symlinkSync('fifo', join(maildir, 'cur/pipe'));
  execFileSync('mkfifo', [join(maildir, 'cur/fifo')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(maildir, 'new/socket'), resolve));
  try {
    expect(await scanMaildir(maildir)).toEqual([]);
    for (const place of [
      'cur/directory',
      'cur/link',
      'new/dangling',
      'cur/circle',
      'cur/pipe',
      'cur/fifo',
      'new/socket',
      'new/gone',
    ]) {
      const [where, name] = place.split('/') as ['new' | 'cur', string];
      expect(await openEntry(maildir, { dir: where, name })).toBeUndefined();
      expect(openEntrySync(maildir, { dir: where, name })).toBeUndefined();
      expect(await statEntry(maildir, { dir: where, name })).toBeUndefined();
      expect(statEntrySync(maildir, { dir: where, name })).toBeUndefined();
    }
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a message that vanishes after the scan is undefined, not an error', async () => {
  put('new/1', 'hello');
  const [entry] = await scanMaildir(maildir);
  if (entry === undefined) return expect.fail('the message was not found');
  const fd = await openEntry(maildir, entry);
  if (fd === undefined) return expect.fail('the message was not opened');
  expect(readFileSync(fd, 'latin1')).toBe('hello');
  closeSync(fd);
  const opened = openEntrySync(maildir, entry);
  expect(opened?.size).toBe(5);
  if (opened !== undefined) closeSync(opened.fd);
  unlinkSync(join(maildir, 'new/1'));
  expect(await statEntry(maildir, entry)).toBeUndefined();
  expect(await openEntry(maildir, entry)).toBeUndefined();
  expect(openEntrySync(maildir, entry)).toBeUndefined();
});

test('two files with the same unique part are two entries', async () => {
  put('new/1.host');
  put('cur/1.host:2,S');
  put('cur/1.host:2,');
  expect(names(await scanMaildir(maildir))).toEqual([
    'cur/1.host:2,',
    'cur/1.host:2,S',
    'new/1.host',
  ]);
});

test('a scan survives messages that come, move and go meanwhile, and shows none of them twice', async () => {
  for (let i = 0; i < 1000; i++) put(`new/stays.${i}`);
  for (let i = 0; i < 1000; i++) put(`new/moves.${i}`);
  const scanning = scanMaildir(maildir);
  for (let i = 0; i < 1000; i++) {
    renameSync(join(maildir, `new/moves.${i}`), join(maildir, `cur/moves.${i}:2,S`));
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const found = (await scanning).map(({ unique }) => unique);
  expect(new Set(found).size).toBe(found.length);
  expect(found.filter((unique) => unique.startsWith('stays')).length).toBe(1000);
  expect(found.length).toBe(2000);
});

test('a maildir without new or cur is a fault that names it', async () => {
  rmSync(join(maildir, 'cur'), { recursive: true });
  await expect(scanMaildir(maildir)).rejects.toThrow(`unable to scan ${maildir}/cur`);
});

test('what was not used in tmp for 36 hours is removed; the young, the hidden and directories stay', async () => {
  const now = 2_000_000_000;
  const old = now - 129_601;
  const young = now - 129_599;
  for (const [name, atime, mtime] of [
    ['old', old, old],
    ['young', young, young],
    ['read lately', young, old],
    ['written lately', old, young],
    ['.hidden', old, old],
    ['caf\xe9', old, old],
  ] as const) {
    const path = Buffer.from(`${maildir}/tmp/${name}`, 'latin1');
    writeFileSync(path, '');
    utimesSync(path, atime, mtime);
  }
  mkdirSync(join(maildir, 'tmp/directory'));
  utimesSync(join(maildir, 'tmp/directory'), old, old);
  symlinkSync('/etc/passwd', join(maildir, 'tmp/link'));
  expect(await cleanTmp(maildir, { now })).toBe(3);
  expect(readdirSync(join(maildir, 'tmp')).sort()).toEqual([
    '.hidden',
    'directory',
    'read lately',
    'written lately',
    'young',
  ]);
  expect(lstatSync('/etc/passwd').isFile()).toBe(true);
  await expect(cleanTmp(join(dir, 'missing'))).rejects.toThrow('unable to scan');
});
