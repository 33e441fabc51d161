// The queue tools on a queue whose parts belong to different users, as on a real host: run by root, who becomes
// somebody else for each thing, and by users who may not.

import { spawnSync } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { splitOf } from '@q/queue-files';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestQueue, USERS } from './lib/queue.ts';
import { QueueService } from './lib/queue-service.ts';
import { isRoot } from './lib/run.ts';

const possible = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0;

describe.runIf(possible)('with separate users (needs root and mount namespaces)', () => {
  let queue: TestQueue;

  beforeEach(() => {
    queue = new TestQueue({ separateUsers: true });
    queue.file('remote-answer', 's');
  });
  afterEach(async () => {
    await QueueService.end(queue);
    queue.remove();
  });

  async function fsck(...args: string[]) {
    const { code, out, err } = await queue.run('qmail-qfsck', ...args);
    return { code, err, lines: out.toString('latin1').trimEnd().split('\n') };
  }

  test('root lists, counts and checks', async () => {
    const id = queue.preprocessed({ remote: ['bob@far.test'] });
    queue.queued('new@example.org', ['ann@far.test']);
    expect((await queue.run('qmail-qread')).out.toString()).toContain(`#${id} `);
    expect((await queue.run('qmail-qstat')).out.toString()).toContain('preprocessed: 1\n');
    const list = await queue.run('qmail-qmanage', 'list');
    expect(list.out.toString()).toContain('<new@example.org> -> ann@far.test');
    expect((await queue.run('qmail-tcpto')).code).toBe(0);
    expect((await queue.run('qmail-tcpok')).code).toBe(0);
    expect(await fsck()).toEqual({ code: 0, lines: ['the queue is in order'], err: '' });
  });

  test('root deletes messages in every state while no qmail-send runs', async () => {
    queue.preprocessed({ local: ['ann@mail.test'], remote: ['bob@far.test'], bounce: 'x' });
    queue.queued('new@example.org', ['ann@far.test']);
    const { code, err } = await queue.run('qmail-qmanage', 'delete', '--all');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect((await queue.run('qmail-qstat')).out.toString()).toContain('messages in queue: 0\n');
    expect(await fsck()).toEqual({ code: 0, lines: ['the queue is in order'], err: '' });
  });

  test('root deletes beside the running services, and makes them turn to it', async () => {
    const id = queue.preprocessed({ remote: ['bob@far.test'] });
    const service = new QueueService(queue);
    await service.logged('deferral');
    const { code, err } = await queue.run('qmail-qmanage', 'delete', id, '--now');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    await service.logged(`end msg ${id}`);
  });

  test('a queue that root copied gets owners, modes and numbers back, and is delivered', async () => {
    for (let i = 0; i < 10; i++) {
      queue.preprocessed({ remote: [`box${i}@far.test`], bounce: `<bad${i}@far.test>:\nno\n\n` });
      queue.queued('joe@example.org', [`new${i}@far.test`]);
    }
    const { root } = queue.paths;
    renameSync(root, `${root}.old`);
    rmSync(join(`${root}.old`, 'lock/trigger'));
    cpSync(`${root}.old`, root, { recursive: true });
    rmSync(`${root}.old`, { recursive: true });
    const before = await fsck();
    expect(before.code).toBe(1);
    expect(
      before.lines.some((line) => line.endsWith(`belongs to uid 0, not ${USERS.qmailq}`)),
    ).toBe(true);
    expect(await fsck('--repair')).toMatchObject({ code: 0, err: '' });
    expect(await fsck()).toEqual({ code: 0, lines: ['the queue is in order'], err: '' });
    queue.file('remote-answer', 'r');
    const service = new QueueService(queue);
    await service.logged('end msg', 20);
    for (let i = 0; i < 10; i++) {
      expect(service.log).toContain(`to remote box${i}@far.test`);
      expect(service.log).toContain(`to remote new${i}@far.test`);
    }
  });

  test('what belongs to no message goes to queue/lost as its owner left it', async () => {
    const id = '4000000000000';
    queue.file(`queue/info/${splitOf(id)}/${id}`, 'Fjoe@example.org\0', 0o600);
    queue.file(`queue/intd/${id}`, 'u1\0', 0o644);
    expect((await fsck('--repair')).code).toBe(0);
    const lost = join(queue.paths.root, 'lost');
    expect(readdirSync(lost).sort()).toEqual([`info.${splitOf(id)}.${id}`, `intd.${id}`].sort());
    expect(statSync(join(lost, `info.${splitOf(id)}.${id}`)).uid).toBe(USERS.qmails);
  });

  test('a repair gives nothing away that a qmail user has put in the way', async () => {
    const secret = queue.file('secret', 'root only', 0o600);
    chownSync(secret, 0, 0);
    const id = queue.preprocessed({ remote: ['bob@far.test'] });
    const info = queue.paths.info(id);
    rmSync(info);
    symlinkSync(secret, info);
    const remote = queue.paths.remote(id);
    rmSync(remote);
    linkSync(secret, remote);
    linkSync(secret, `${secret}.2`);
    const mess = queue.preprocessed({ local: ['ann@mail.test'] });
    const split = queue.paths.splitDirectory('local', splitOf(mess));
    renameSync(split, `${split}.was`);
    symlinkSync(queue.home, split);
    expect((await fsck('--repair')).code).not.toBe(0);
    expect(lstatSync(secret)).toMatchObject({ uid: 0, mode: 0o100600 });
    expect(readFileSync(secret, 'latin1')).toBe('root only');
    expect(lstatSync(queue.home).uid).toBe(0);
  });

  test('deleting follows no link that a qmail user has put in the way', async () => {
    const secret = queue.file('secret', 'Tnot@a.recipient\0', 0o600);
    chownSync(secret, 0, 0);
    const id = queue.preprocessed({ remote: ['bob@far.test'] });
    rmSync(queue.paths.remote(id));
    symlinkSync(secret, queue.paths.remote(id));
    expect((await queue.run('qmail-qmanage', 'delete', id)).code).toBe(111);
    expect(readFileSync(secret, 'latin1')).toBe('Tnot@a.recipient\0');
    expect(existsSync(queue.paths.info(id))).toBe(true);
  });

  test('a damaged message is named and stays; the others go', async () => {
    const bad = queue.preprocessed({ sender: 'x@example.org', remote: ['bob@far.test'] });
    writeFileSync(queue.paths.info(bad), 'damaged');
    const good = queue.preprocessed({ sender: 'x@example.org', remote: ['bob@far.test'] });
    const { code, err, out } = await queue.run('qmail-qmanage', 'delete', '--sender', 'x@*');
    expect(err).toBe(`qmail-qmanage: trouble with #${bad}: damaged info file\n`);
    expect(out.toString()).toContain(`#${good} `);
    expect(code).toBe(111);
    expect(existsSync(queue.paths.mess(bad))).toBe(true);
    expect(existsSync(queue.paths.mess(good))).toBe(false);
  });
});
