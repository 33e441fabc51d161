// qmail-lspawn with warm workers: the other programs that stay, and users apart from each other.

import { execFileSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { UsersTable } from '@q/users';
import { WorkerPool } from '@q/warm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deliverLocally } from './lspawn.ts';
import { RecentAssignments } from './recent-assignments.ts';
import { childrenOf, FORMS, isRoot, LspawnHost } from './testing/lspawn-host.ts';
import { MESSAGE } from './testing/recipient.ts';

let host: LspawnHost;

beforeAll(async () => {
  const tools = ['vdeliver', 'vsetup', 'vadduser'];
  host = await LspawnHost.make('qmail-lspawn', 'qmail-local', 'qmail-getpw', ...tools);
});
afterAll(() => host.remove());
beforeEach(() => {
  host.emptyHome();
  host.write('.qmail-pid', '|echo $PPID\n');
});
afterEach(() => host.killAll());

describe('qmail-getpw', () => {
  test('of another make, which has no worker form, is run for each look-up', async () => {
    const program = join(host.qmail, 'bin/qmail-getpw');
    const ours = readFileSync(program);
    const answer = ['joe', host.uid, host.gid, host.home, '-', 'pid'].map(String);
    writeFileSync(
      program,
      `#!/bin/sh\n[ "$1" = somebody ] || exit 100\nprintf '%s\\0' ${answer.join(' ')}\n`,
    );
    try {
      const lspawn = host.start();
      for (const slot of [0, 1]) {
        lspawn.send(slot, '7/53', '', 'somebody@example.org');
        expect(await lspawn.report(slot)).toMatch(/^K\d+\ndid 0\+0\+1\n$/);
      }
    } finally {
      writeFileSync(program, ours);
    }
  });

  test('stays between two look-ups, and looks up any name', async () => {
    const lspawn = host.start();
    const reports: string[] = [];
    for (const [slot, local] of ['nobody-here', '--worker', '-x', "it's"].entries()) {
      lspawn.send(slot, '7/53', '', `${local}@example.org`);
      reports.push(await lspawn.report(slot));
    }
    expect(new Set(reports).size).toBe(1);
    const names = childrenOf(lspawn.pid).map((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('qmail-getpw'),
    );
    expect(names).toEqual([true]);
  });
});

describe.each(FORMS)('a virtual domain: %s', (_, workers) => {
  test('vdeliver of the tree puts the mail into the mailboxes', async () => {
    const identity = isRoot ? { uid: host.uid, gid: host.gid } : {};
    const env = { ...host.env, HOME: host.home, USER: 'joe' };
    writeFileSync(join(host.qmail, 'control/virtualdomains'), 'example.org:joe\n');
    writeFileSync(join(host.qmail, 'control/me'), 'host.example.net\n');
    for (const [name, ...args] of [['vsetup'], ['vadduser', '-P', 'ann']]) {
      const file = join(host.qmail, 'bin', name as string);
      execFileSync(file, args, { env, cwd: host.home, ...identity, stdio: 'pipe' });
    }
    const lspawn = host.start(workers);
    expect(await host.deliver(lspawn, 'ann')).toBe('Kdid 0+0+1\n');
    expect(await host.deliver(lspawn, 'ann')).toBe('Kdid 0+0+1\n');
    expect(await host.deliver(lspawn, 'nobody')).toBe(
      "Dvdeliver: Invalid or unknown virtual user 'nobody'\n",
    );
    const names = readdirSync(join(host.home, 'users/ann/new'));
    expect(names.length).toBe(2);
    const processes = new Set(names.map((name) => name.split('.')[1]?.split('_')[0]));
    expect(processes.size).toBe(workers === 0 ? 2 : 1);
    const mail = readFileSync(join(host.home, 'users/ann/new', names[0] as string), 'latin1');
    expect(mail).toBe(
      `Return-Path: <ann@example.net>\nDelivered-To: joe-ann@example.org\n${MESSAGE}`,
    );
    expect(await lspawn.end()).toBe(0);
  });
});

test.runIf(isRoot)(
  'each user has workers of his own, with his rights and no others (needs root)',
  async () => {
    const anns = join(host.qmail, 'ann');
    mkdirSync(anns, { recursive: true });
    writeFileSync(join(anns, '.qmail-id'), '|echo $PPID; id -u; id -g; id -G\n');
    host.write('.qmail-id', '|echo $PPID; id -u; id -g; id -G\n');
    const [annUid, annGid] = [host.uid + 1, host.gid + 2];
    chownSync(anns, annUid, annGid);
    const joes = `joe:${host.uid}:${host.gid}:${host.home}:-::`;
    await host.assign(
      `+joe-:${joes}`,
      `+ann-:ann:${annUid}:${annGid}:${anns}:-::`,
      `+alt-:${joes}`,
    );
    const workers = new WorkerPool();
    const deliverer = {
      home: host.qmail,
      env: host.env,
      defaultDelivery: './Mailbox',
      onlyUid: undefined,
      table: new UsersTable(host.qmail),
      recent: new RecentAssignments(),
      getpwUid: host.uid,
      getpwGid: host.gid,
      workers,
    };
    const deliverTo = async (user: string) => {
      const messageFd = openSync(join(host.qmail, 'queue/mess/7/53'), 'r');
      const recipient = `${user}-id@example.org`;
      const report = await deliverLocally({ sender: '', recipient, messageFd }, deliverer);
      closeSync(messageFd);
      return report.split('\n');
    };
    const seen = [];
    for (const user of ['joe', 'ann', 'joe', 'ann', 'alt']) seen.push(await deliverTo(user));
    const [joe, ann, joeAgain, annAgain, alt] = seen as [
      string[],
      string[],
      string[],
      string[],
      string[],
    ];
    expect(joe.slice(1, 4)).toEqual([`${host.uid}`, `${host.gid}`, `${host.gid}`]);
    expect(ann.slice(1, 4)).toEqual([`${annUid}`, `${annGid}`, `${annGid}`]);
    expect(ann[0]).not.toBe(joe[0]);
    expect([joeAgain, annAgain, alt]).toEqual([joe, ann, joe]);
    const status = readFileSync(`/proc/${ann[0]?.slice(1)}/status`, 'latin1');
    expect(status).toMatch(
      new RegExp(`^Uid:\\t${annUid}\\t${annUid}\\t${annUid}\\t${annUid}$`, 'm'),
    );
    expect(status).toMatch(new RegExp(`^Groups:\\t(${annGid})? ?$`, 'm'));
    workers.close();
  },
);
