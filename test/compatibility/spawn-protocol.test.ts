// qmail-lspawn, qmail-rspawn and qmail-clean, fed with the bytes that C qmail's qmail-send writes to them.

import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClassicHost, messageName } from '../lib/classic-host.ts';
import { RecordedSpawner } from '../lib/recorded-spawner.ts';
import { isRoot } from '../lib/run.ts';

let host: ClassicHost;
let spawners: RecordedSpawner[];
let name: string;

beforeEach(() => {
  host = new ClassicHost();
  spawners = [];
  name = messageName(host.mess('Subject: x\n\nhello\n'));
});
afterEach(async () => {
  for (const spawner of spawners) await spawner.kill();
  host.remove();
});

function start(program: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const spawner = new RecordedSpawner(host, program, args, env);
  spawners.push(spawner);
  return spawner;
}

const startRemote = (output: string, exit = 0) =>
  start('qmail-rspawn', [], {
    QMAILREMOTE: host.script('bin/remote', `printf '${output}'; exit ${exit}\n`),
  });

describe.each([
  ['qmail-lspawn', ['./Mailbox']],
  ['qmail-rspawn', []],
])('%s', (program, args) => {
  test('says 120 first, and exits 0 at the end of its input', async () => {
    const spawner = start(program, args);
    await spawner.says('\x78');
    expect(await spawner.end()).toBe(0);
    expect(spawner.heard).toBe('\x78');
  });

  test.each([
    ['\x78NAME\0s@x\0a@b\0', '\x78ZInternal error: delnum too big. (#4.3.5)\n\0'],
    ['\0messid\0s@x\0a@b\0', '\0DInternal error: messid has nonnumerics. (#5.3.5)\n\0'],
    [
      '\x02../../control/me\0s@x\0a@b\0',
      '\x02DInternal error: messid has nonnumerics. (#5.3.5)\n\0',
    ],
    [`\x01${'1'.repeat(100)}\0s@x\0a@b\0`, '\x01DInternal error: messid too long. (#5.3.5)\n\0'],
    ['\x01\0s@x\0a@b\0', '\x01DInternal error: messid too short. (#5.3.5)\n\0'],
    ['\x77NAME\0s@x\0nobody\0', '\x77DSorry, address must include host name. (#5.1.3)\n\0'],
    ['\0NAME1\0s@x\0a@b\0', '\0Zqmail-spawn unable to open message. (#4.3.0)\n\0'],
    ['\x030\0s@x\0a@b\0', '\x03ZSorry, message has wrong type. (#4.3.5)\n\0'],
  ])('answers %j with %j', async (command, report) => {
    const spawner = start(program, args);
    spawner.say(command.replace('NAME', name));
    expect(await spawner.end()).toBe(0);
    expect(spawner.heard).toBe(`\x78${report}`);
  });

  test.runIf(isRoot)('refuses a message that is not qmailq’s (needs root)', async () => {
    const spawner = start(program, args);
    await spawner.says('\x78');
    writeFileSync(`${host.home}/queue/mess/0/0`, 'forged');
    spawner.say('\x050/0\0s@x\0a@b\0');
    expect(await spawner.end()).toBe(0);
    expect(spawner.heard).toBe('\x78\x05ZSorry, message has wrong owner. (#4.3.5)\n\0');
  });
});

describe('qmail-lspawn', () => {
  test('without a default delivery exits 100', async () => {
    expect(await start('qmail-lspawn').end()).toBe(100);
  });

  test('refuses a slot that is in use, and reports on each other', async () => {
    host.file('control/localworkers', '0\n');
    host.script('bin/qmail-local', 'until [ -e "$QMAILHOME/go" ]; do sleep .05; done; echo done\n');
    host.file('users/assign', `+:u:${host.uid}:${host.gid}:${host.home}:-::\n.\n`);
    expect(await start('qmail-newu').end()).toBe(0);
    const spawner = start('qmail-lspawn', ['./Mailbox']);
    spawner.say(`\x07${name}\0s@x\0a@b\0\x07${name}\0s@x\0c@b\0`);
    await spawner.says('\x78\x07ZInternal error: delnum in use. (#4.3.5)\n\0');
    host.file('go', '');
    expect(await spawner.end()).toBe(0);
    expect(spawner.heard).toBe('\x78\x07ZInternal error: delnum in use. (#4.3.5)\n\0\x07Kdone\n\0');
  });

  test.each<[string, string]>([
    ['exit 0', 'Ksaid\n'],
    ['exit 100', 'Dsaid\n'],
    ['exit 2', 'Dsaid\n'],
    ['exit 111', 'Zsaid\n'],
    ['exit 71', 'Zsaid\n'],
    ['exit 74', 'Zsaid\n'],
    ['exit 75', 'Zsaid\n'],
    ['kill -9 $$', 'Zqmail-local crashed.\n'],
    ['exit 112', 'ZInternal qmail-lspawn bug.\n'],
    ['exit 113', 'ZNot allowed to perform deliveries as root.\n'],
    ['exit 115', 'ZNFS failure in qmail-local.\n'],
    ['exit 116', 'ZUnable to find alias user!\n'],
    ['exit 117', 'ZTrouble reading users/cdb in qmail-lspawn.\n'],
    ['exit 118', 'ZTemporary failure in qmail-lspawn.\n'],
    ['exit 119', 'ZOut of memory in qmail-lspawn.\n'],
    ['exit 120', 'ZUnable to run qmail-local.\n'],
    ['exit 121', 'ZUnable to run qmail-getpw.\n'],
    ['exit 126', 'DUnable to run qmail-local.\n'],
    ["printf 'a\\000b'", 'Ksaid\na'],
    ['head -c 2994 /dev/zero | tr "\\000" x', `Ksaid\n${'x'.repeat(2994)}`],
    [
      'head -c 3000 /dev/zero | tr "\\000" x',
      `Ksaid\n${'x'.repeat(2961)}\nError report too long, sorry.\n`,
    ],
  ])('of a qmail-local that says something and then does `%s` reports %j', async (end, report) => {
    host.script('bin/qmail-local', `echo said\n${end}\n`);
    host.file('users/assign', `+:u:${host.uid}:${host.gid}:${host.home}:-::\n.\n`);
    expect(await start('qmail-newu').end()).toBe(0);
    const spawner = start('qmail-lspawn', ['./Mailbox']);
    expect(await spawner.report(name, 's@x', 'a@b')).toBe(report);
  });

  test('runs qmail-local with these arguments, the local part cut at the last @', async () => {
    host.script('bin/qmail-local', 'for word; do echo "<$word>"; done; pwd >&2\n');
    host.file(
      'users/assign',
      `=joe:joe:${host.uid}:${host.gid}:/home/joe:::\n+joe-:joe:${host.uid}:${host.gid}:/home/joe:-:pre-:\n.\n`,
    );
    expect(await start('qmail-newu').end()).toBe(0);
    const spawner = start('qmail-lspawn', ['./Maildir/\n&x@y']);
    const report = await spawner.report(name, 'a@b@c', 'JOE-Li.st@x@Mail.TEST', 9);
    expect(report).toBe(
      'K<-->\n<joe>\n</home/joe>\n<JOE-Li.st@x>\n<->\n<pre-Li.st@x>\n<Mail.TEST>\n<a@b@c>\n' +
        `<./Maildir/\n&x@y>\n${host.home}\n`,
    );
    expect(await spawner.report(name, '', 'Joe@x')).toBe(
      `K<-->\n<joe>\n</home/joe>\n<Joe>\n<>\n<>\n<x>\n<>\n<./Maildir/\n&x@y>\n${host.home}\n`,
    );
  });

  test('takes an empty local part for the trash', async () => {
    expect(await start('qmail-lspawn', ['./Mailbox']).report(name, 's@x', '@mail.test')).toBe('K');
  });

  test('never delivers as root', async () => {
    host.file('users/assign', `+:root:0:0:/root:-::\n.\n`);
    expect(await start('qmail-newu').end()).toBe(0);
    const spawner = start('qmail-lspawn', ['./Mailbox']);
    expect(await spawner.report(name, 's@x', 'a@b')).toBe(
      'ZNot allowed to perform deliveries as root.\n',
    );
  });
});

describe('qmail-rspawn', () => {
  test('zeroes the table of silent hosts at its start', async () => {
    host.file('queue/lock/tcpto', Buffer.alloc(1024, 0x55));
    const spawner = start('qmail-rspawn');
    await spawner.says('\x78');
    expect(host.read('lock/tcpto', '')).toBe('\0'.repeat(1024));
  });

  test('runs $QMAILREMOTE with host, sender and the one recipient, on the message', async () => {
    const remote = host.script(
      'bin/remote',
      'printf "r\\000K"; for word; do printf "<%s>" "$word"; done; cat; printf "\\000"\n',
    );
    const spawner = start('qmail-rspawn', [], { QMAILREMOTE: remote });
    expect(await spawner.report(name, 'list-@x-@[]', 'a@b@Far.TEST')).toBe(
      'K<Far.TEST><list-@x-@[]><a@b@Far.TEST>Subject: x\n\nhello\n',
    );
    expect(await spawner.report(name, '', 'bob@far.test')).toBe(
      'K<far.test><><bob@far.test>Subject: x\n\nhello\n',
    );
  });

  test.each([
    ['r\\000K1.2.3.4 accepted message.\\n\\000', 'K1.2.3.4 accepted message.\n'],
    ['r\\000Zdied\\n\\000', 'Zdied\n'],
    ['r\\000Dno\\n\\000', 'Dno\n'],
    ['hnot her\\n\\000DGiving up.\\n\\000', 'Dnot her\nGiving up.\n'],
    ['hnot her\\n\\000Kbut him\\n\\000', 'Dnot her\n'],
    ['snot now\\n\\000DGiving up.\\n\\000', 'Znot now\nGiving up.\n'],
    ['snot now\\n\\000Zdied\\n\\000', 'Znot now\ndied\n'],
    ['snot now\\n\\000Kbut him\\n\\000', 'Znot now\n'],
    [
      'ZUnable to read control files. (#4.3.0)\\n\\000',
      'ZUnable to read control files. (#4.3.0)\n',
    ],
    ['DSorry.\\n\\000', 'DSorry.\n'],
    ['', 'Zqmail-remote produced no output.\n'],
  ])('makes of %j the report %j', async (output, report) => {
    expect(await startRemote(output).report(name, 's@x', 'a@b')).toBe(report);
  });

  test.each([
    ['exit 111', 'ZUnable to run qmail-remote.\n'],
    ['exit 100', 'DUnable to run qmail-remote.\n'],
    ['kill -9 $$', 'Zqmail-remote crashed.\n'],
  ])('of a qmail-remote that does `%s` reports %j', async (end, report) => {
    const QMAILREMOTE = host.script('bin/remote', `printf 'r\\000Kok\\n\\000'; ${end}\n`);
    const spawner = start('qmail-rspawn', [], { QMAILREMOTE });
    expect(await spawner.report(name, 's@x', 'a@b')).toBe(report);
  });
});

describe('qmail-clean', () => {
  test('answers each request with one byte', async () => {
    const id = host.queued('x\n', 'u7\0p99\0Fa@b\0Tc@d\0');
    const clean = start('qmail-clean');
    clean.say(`todo/${id}\0`);
    await clean.says('+');
    expect(host.left()).toEqual([`mess/${name}`, `mess/${messageName(id)}`].sort());
    clean.say(`foop/${id}\0foop/${id}\0`); // the second finds nothing: as good as done
    await clean.says('+++');
    expect(host.left()).toEqual([`mess/${name}`]);
    for (const request of [
      'foop/\0', // 6 bytes with the NUL
      `foop/${'1'.repeat(95)}\0`, // 101
      'foop/12a\0',
      'todo/../3\0',
      'quux/123\0',
      '\0',
    ])
      clean.say(request);
    expect(await clean.end()).toBe(0);
    expect(clean.heard).toBe('+++xxxxxx');
    expect(host.left()).toEqual([`mess/${name}`]);
  });
});
