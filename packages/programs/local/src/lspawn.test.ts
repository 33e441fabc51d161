// qmail-lspawn as a process in a private instance, and as root the change to the recipient's uid.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeCdb } from '@q/cdb';
import { SpawnerProcess } from '@q/spawn/testing';
import { compileAssign, UsersTable } from '@q/users';
import { WorkerPool } from '@q/warm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { deliverLocally } from './lspawn.ts';
import { RecentAssignments } from './recent-assignments.ts';
import { MESSAGE, makeRecipient, type Recipient, removeRecipient } from './testing/recipient.ts';

const isRoot = process.getuid?.() === 0;
/** The uid of the instance: ours, or as root an ordinary one. */
const uid = isRoot ? 47_021 : (process.getuid?.() ?? 0);
const gid = isRoot ? uid : (process.getgid?.() ?? 0);

let joe: Recipient;
let spawner: SpawnerProcess | undefined;

beforeAll(async () => {
  joe = await makeRecipient('qmail-lspawn', 'qmail-local', 'qmail-getpw');
  for (const dir of ['queue', 'queue/mess', 'queue/mess/7', 'users'])
    mkdirSync(join(joe.qmail, dir), { mode: 0o755 });
  writeFileSync(join(joe.qmail, 'queue/mess/7/53'), MESSAGE);
  await assign(
    `=joe:joe:${uid}:${gid}:${joe.home}:::`,
    `+joe-:joe:${uid}:${gid}:${joe.home}:-::`,
    `=root:root:0:0:/root:::`,
    `=other:other:${uid + 1}:${gid}:${joe.home}:::`,
  );
  execFileSync('chown', ['-R', `${uid}:${gid}`, joe.qmail]);
});
afterAll(() => removeRecipient(joe));
afterEach(() => {
  spawner?.kill();
  spawner = undefined;
});

async function assign(...lines: string[]): Promise<void> {
  await writeCdb(
    join(joe.qmail, 'users/cdb'),
    compileAssign(Buffer.from(`${lines.join('\n')}\n.\n`)),
    { mode: 0o644 },
  );
}

function start(): SpawnerProcess {
  const env = { PATH: process.env.PATH, QMAILHOME: joe.qmail };
  const file = join(joe.qmail, 'bin/qmail-lspawn');
  spawner = new SpawnerProcess(file, ['./Mailbox'], env, isRoot ? uid : undefined);
  return spawner;
}

function write(name: string, content: string): void {
  const file = join(joe.home, name);
  writeFileSync(file, content);
  if (isRoot) chownSync(file, uid, gid);
}

describe('in a private instance', () => {
  test('a delivery is made as users/cdb says and reported with what it printed', async () => {
    const lspawn = start();
    lspawn.send(4, '7/53', 'ann@example.net', 'JOE@example.org');
    expect(await lspawn.report(4)).toBe('Kdid 1+0+0\n');
    expect(lspawn.limit).toBe(120);
    const mbox = readFileSync(join(joe.home, 'Mailbox'), 'latin1');
    expect(mbox).toMatch(/^Delivered-To: JOE@example\.org$/m);
    expect(statSync(join(joe.home, 'Mailbox')).uid).toBe(uid);
    expect(await lspawn.end()).toBe(0);
  });

  test('extensions, failures and the sender reach qmail-local as they are', async () => {
    write('.qmail-x-default', '|echo "$SENDER $EXT $DEFAULT $HOST"; exit 100\n');
    const lspawn = start();
    lspawn.send(0, '7/53', 'an n@example.net', 'joe-X-Y@Example.org');
    expect(await lspawn.report(0)).toBe('Dan n@example.net X-Y Y Example.org\n');
    expect(await lspawn.end()).toBe(0);
  });

  test('a delivery that hangs holds nobody up, and the end of input waits for it', async () => {
    write('.qmail-slow', '|while ! [ -e go ]; do sleep 0.05; done\n');
    write('.qmail-fast', '|true\n');
    const lspawn = start();
    lspawn.send(0, '7/53', '', 'joe-slow@example.org');
    lspawn.send(1, '7/53', '', 'joe-fast@example.org');
    expect(await lspawn.report(1)).toBe('Kdid 0+0+1\n');
    expect(lspawn.seen.length).toBe(1);
    const ended = lspawn.end();
    write('go', '');
    expect(await ended).toBe(0);
    expect(await lspawn.report(0)).toBe('Kdid 0+0+1\n');
  });

  test('the empty local part is the trash', async () => {
    const lspawn = start();
    lspawn.send(0, '7/53', 'ann@example.net', '@example.org');
    expect(await lspawn.report(0)).toBe('K');
    expect(await lspawn.end()).toBe(0);
  });

  test('another user cannot be delivered for, and root least of all', async () => {
    const lspawn = start();
    lspawn.send(0, '7/53', '', 'other@example.org');
    lspawn.send(1, '7/53', '', 'root@example.org');
    expect(await lspawn.report(0)).toBe(
      `ZThis instance runs as uid ${uid} and cannot deliver as uid ${uid + 1}. (#4.3.5)\n`,
    );
    expect(await lspawn.report(1)).toBe('ZNot allowed to perform deliveries as root.\n');
    expect(await lspawn.end()).toBe(0);
  });

  test('who is not in users/cdb is looked for in the password file, by qmail-getpw', async () => {
    const lspawn = start();
    const local = "nobody-here.at'all";
    lspawn.send(0, '7/53', '', `${local}@example.org`);
    lspawn.send(1, '7/53', '', '--help@example.org');
    // Where there is one, as another test may make one just now, the instance cannot deliver as that.
    const expected =
      /^Z(Unable to find alias user!|This instance runs as uid \d+ and cannot .*)\n$/;
    expect(await lspawn.report(0)).toMatch(expected);
    expect(await lspawn.report(1)).toMatch(expected);
    expect(await lspawn.end()).toBe(0);
  });

  test('a damaged users/cdb, or no qmail-local, has its own report', async () => {
    const table = join(joe.qmail, 'users/cdb');
    const good = readFileSync(table);
    writeFileSync(table, 'rubbish');
    const lspawn = start();
    lspawn.send(0, '7/53', '', 'joe@example.org');
    expect(await lspawn.report(0)).toBe('ZTrouble reading users/cdb in qmail-lspawn.\n');
    writeFileSync(table, good);
    const program = join(joe.qmail, 'bin/qmail-local');
    chmodSync(program, 0);
    lspawn.send(1, '7/53', '', 'joe@example.org');
    expect(await lspawn.report(1)).toBe('DUnable to run qmail-local.\n');
    chmodSync(program, 0o755);
    expect(await lspawn.end()).toBe(0);
  });

  test('an address that no argument can carry bounces, and says why', async () => {
    const lspawn = start();
    lspawn.send(0, '7/53', 'j\xe9@example.net', 'joe@example.org');
    expect(await lspawn.report(0)).toMatch(/^D.*UTF-8/);
    expect(await lspawn.end()).toBe(0);
  });
});

describe('as root', () => {
  test.runIf(isRoot)(
    'qmail-local runs as the user, with the group and no other (needs root)',
    async () => {
      write('.qmail-id', '|id -u; id -g; id -G\n');
      const fd = openSync(join(joe.qmail, 'queue/mess/7/53'), 'r');
      const report = await deliverLocally(
        { sender: '', recipient: 'joe-id@example.org', messageFd: fd },
        {
          home: joe.qmail,
          env: { PATH: process.env.PATH, QMAILHOME: joe.qmail },
          defaultDelivery: './Mailbox',
          onlyUid: undefined,
          table: new UsersTable(joe.qmail),
          recent: new RecentAssignments(),
          getpwUid: uid,
          getpwGid: gid,
          workers: new WorkerPool({ total: 0 }),
        },
      );
      closeSync(fd);
      expect(report).toBe(`K${uid}\n${gid}\n${gid}\ndid 0+0+1\n`);
      for (const name of readdirSync(joe.home)) rmSync(join(joe.home, name), { force: true });
    },
  );
});
