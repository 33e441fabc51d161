// The tools that look at a queue and that compile tables, as built, on real trees.

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCdb } from '@q/cdb';
import { lookupAssignment, openUsersCdb } from '@q/users';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestQueue } from './lib/queue.ts';
import { isRoot, run } from './lib/run.ts';

const BIRTH = 812_090_814;
let queue: TestQueue;

beforeEach(() => {
  queue = new TestQueue();
});
afterEach(() => queue.remove());

describe('qmail-qread', () => {
  test('shows each message with its recipients, those that are done as done', async () => {
    const id = queue.preprocessed({
      birth: BIRTH,
      local: ['ann@mail.test'],
      remote: ['bob@example.net', 'eve@example.com'],
      body: '12345',
    });
    markDone(queue.paths.remote(id));
    const { code, out, err } = await queue.run('qmail-qread');
    expect(out.toString('latin1')).toBe(
      `26 Sep 1995 04:46:54 GMT  #${id}  5  <joe@example.org> \n` +
        '\tlocal\tann@mail.test\n  done\tremote\tbob@example.net\n\tremote\teve@example.com\n',
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('says which messages are bouncing, and shows no byte that could disturb a terminal', async () => {
    const id = queue.preprocessed({
      birth: BIRTH,
      sender: 'a\x1b[2J\xe9 b@x',
      local: ['x\n#7 <y>@z'],
      bounce: '<eve>:\nno\n\n',
    });
    const { out } = await queue.run('qmail-qread');
    expect(out.toString('latin1')).toMatch(
      new RegExp(`#${id}  .*  <a_\\[2J__b@x>  bouncing\n\tlocal\tx_#7_<y>@z\n$`),
    );
  });

  test('does not show what is still in todo', async () => {
    queue.queued('joe@example.org', ['ann@mail.test']);
    expect((await queue.run('qmail-qread')).out.toString()).toBe('');
  });

  test('names a damaged message, shows the others, and exits 111', async () => {
    const bad = queue.preprocessed({ local: ['ann@mail.test'] });
    writeFileSync(queue.paths.info(bad), 'no record');
    const good = queue.preprocessed({ local: ['bob@mail.test'] });
    const { code, out, err } = await queue.run('qmail-qread');
    expect(err).toBe(`qmail-qread: warning: trouble with #${bad}: damaged info file\n`);
    expect(out.toString()).toContain(`#${good} `);
    expect(code).toBe(111);
  });

  test('gives JSON, one object a message, in UTF-8', async () => {
    const id = queue.preprocessed({ birth: BIRTH, remote: ['caf\xc3\xa9@example.net'], body: 'x' });
    const { out } = await queue.run('qmail-qread', '--json');
    expect(JSON.parse(out.toString('utf8'))).toEqual({
      id,
      birth: BIRTH,
      size: 1,
      bouncing: false,
      sender: 'joe@example.org',
      recipients: [{ channel: 'remote', address: 'café@example.net', done: false }],
    });
  });

  test('a reader that goes away is no error', async () => {
    for (let i = 0; i < 20; i++) queue.preprocessed({ remote: addresses(500) });
    const { code, err } = await run('bash', ['-c', 'set -o pipefail; qmail-qread | head -1'], {
      env: queue.env,
      uid: queue.uid,
      gid: queue.gid,
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test.runIf(isRoot)('root looks at a private instance as its owner (needs root)', async () => {
    const id = queue.preprocessed({ local: ['ann@mail.test'] });
    const { code, out } = await run(join(queue.env.PATH?.split(':')[0] ?? '', 'qmail-qread'), [], {
      env: queue.env,
    });
    expect(code).toBe(0);
    expect(out.toString()).toContain(`#${id} `);
  });

  test.runIf(isRoot)(
    'a stranger is told that the queue is none of his business (needs root)',
    async () => {
      const program = join(queue.env.PATH?.split(':')[0] ?? '', 'qmail-qread');
      const ran = await run(program, [], { env: queue.env, uid: 54_322, gid: 54_322 });
      expect(ran.code).toBe(111);
      expect(ran.err).toMatch(
        /^qmail-qread: fatal: only root and \S+( [0-9]+)? may look into \S+\/queue\n$/,
      );
    },
  );
});

describe('qmail-qstat', () => {
  test('counts messages, and those not yet preprocessed', async () => {
    queue.preprocessed({ local: ['ann@mail.test'] });
    queue.preprocessed({ local: ['ann@mail.test'] });
    queue.queued('joe@example.org', ['ann@mail.test']);
    const { out } = await queue.run('qmail-qstat');
    expect(out.toString()).toBe(
      'messages in queue: 3\nmessages in queue but not yet preprocessed: 1\n',
    );
    const json = await queue.run('qmail-qstat', '--json');
    expect(JSON.parse(json.out.toString())).toEqual({ messages: 3, unprocessed: 1 });
  });

  test('a queue that is not there is an error, not an empty one', async () => {
    rmSync(queue.paths.directory('mess'), { recursive: true });
    const { code, err } = await queue.run('qmail-qstat');
    expect(code).toBe(111);
    expect(err).toMatch(
      /^qmail-qstat: fatal: unable to read .*mess\/0: no such file or directory\n$/,
    );
  });
});

describe('qmail-tcpto and qmail-tcpok', () => {
  const seconds = () => Math.floor(Date.now() / 1000);

  function remember(at: number, address: string, timeouts: number, last: number): void {
    const path = queue.paths.lock('tcpto');
    const table = readFileSync(path);
    Buffer.from(address.split('.').map(Number)).copy(table, at * 16);
    table[at * 16 + 4] = timeouts;
    table.writeUInt32LE(last, at * 16 + 8);
    writeFileSync(path, table);
  }

  test('a host that timed out is shown, one that answered since is not', async () => {
    remember(0, '192.0.2.1', 3, seconds() - 100);
    remember(1, '192.0.2.2', 0, seconds() - 50);
    remember(63, '198.51.100.255', 1, seconds() - 5000);
    const { out } = await queue.run('qmail-tcpto');
    expect(out.toString()).toMatch(
      /^192\.0\.2\.1 timed out 1\d\d seconds ago; # recent timeouts: 3\n198\.51\.100\.255 timed out 50\d\d seconds ago; # recent timeouts: 1\n$/,
    );
    const json = await queue.run('qmail-tcpto', '--json');
    expect(JSON.parse(json.out.toString().split('\n')[0] ?? '')).toMatchObject({
      address: '192.0.2.1',
      timeouts: 3,
    });
  });

  test('qmail-tcpok forgets them all', async () => {
    remember(5, '192.0.2.1', 10, seconds());
    expect((await queue.run('qmail-tcpok')).code).toBe(0);
    expect(readFileSync(queue.paths.lock('tcpto'))).toEqual(Buffer.alloc(1024));
    expect((await queue.run('qmail-tcpto')).out.toString()).toBe('');
  });

  test('without a table they exit 111', async () => {
    rmSync(queue.paths.lock('tcpto'));
    expect(await queue.run('qmail-tcpok')).toMatchObject({
      code: 111,
      err: expect.stringMatching(/^qmail-tcpok: fatal: unable to use .*lock\/tcpto: no such file/),
    });
  });
});

describe('qmail-newu', () => {
  test('makes users/cdb, in which assignments are found', async () => {
    queue.file(
      'users/assign',
      '=Joe:joe:1001:1001:/home/joe:::\n+joe-:joe:1001:1001:/home/joe:-::\n.\n',
    );
    expect(await queue.run('qmail-newu')).toMatchObject({ code: 0, err: '' });
    const cdb = openUsersCdb(queue.home);
    if (cdb === undefined) throw new Error('no users/cdb');
    expect(lookupAssignment(cdb, 'joe')).toMatchObject({ user: 'joe', ext: '' });
    expect(lookupAssignment(cdb, 'joe-list')).toMatchObject({ user: 'joe', ext: 'list' });
    cdb.close();
    expect(statSync(join(queue.home, 'users/cdb')).mode & 0o777).toBe(0o644);
  });

  test.each([
    ['no final dot', '=joe:joe:1001:1001:/home/joe:::\n', /bad format in users\/assign/],
    ['too few fields', '=joe:joe:1001\n.\n', /bad format in users\/assign: line 1 /],
  ])('with %s it exits 111 and leaves the old table', async (_, text, message) => {
    queue.file('users/assign', '.\n');
    await queue.run('qmail-newu');
    const before = readFileSync(join(queue.home, 'users/cdb'));
    queue.file('users/assign', text);
    const { code, err } = await queue.run('qmail-newu');
    expect(code).toBe(111);
    expect(err).toMatch(/^qmail-newu: fatal: /);
    expect(err).toMatch(message);
    expect(readFileSync(join(queue.home, 'users/cdb'))).toEqual(before);
    expect(existsSync(join(queue.home, 'users/cdb.tmp'))).toBe(false);
  });

  test('without users/assign it exits 111', async () => {
    expect(await queue.run('qmail-newu')).toMatchObject({
      code: 111,
      err: expect.stringMatching(
        /^qmail-newu: fatal: unable to read .*users\/assign: no such file/,
      ),
    });
  });
});

describe('qmail-newmrh', () => {
  test('makes a table of the domains in lower case, without comments', async () => {
    queue.file('control/morercpthosts', '# ours\nExample.ORG  \n\n.example.net\nlast.example');
    expect(await queue.run('qmail-newmrh')).toMatchObject({ code: 0, err: '' });
    const cdb = openCdb(join(queue.home, 'control/morercpthosts.cdb'));
    const keys = [...(cdb?.entries() ?? [])].map(([key, data]) => [key.toString(), data.length]);
    cdb?.close();
    expect(keys).toEqual([
      ['example.org', 0],
      ['.example.net', 0],
      ['last.example', 0],
    ]);
  });

  test('takes a hundred thousand domains', async () => {
    const domains = Array.from({ length: 100_000 }, (_, i) => `d${i}.example.org\n`);
    queue.file('control/morercpthosts', domains.join(''));
    expect((await queue.run('qmail-newmrh')).code).toBe(0);
    const cdb = openCdb(join(queue.home, 'control/morercpthosts.cdb'));
    expect(cdb?.get('d99999.example.org')).toEqual(Buffer.alloc(0));
    expect(cdb?.get('d100000.example.org')).toBeUndefined();
    cdb?.close();
  });

  test('what is no list of domains leaves the old table and exits 111', async () => {
    queue.file('control/morercpthosts', Buffer.alloc(100_000, 0x61));
    const { code, err } = await queue.run('qmail-newmrh');
    expect(code).toBe(111);
    expect(err).toMatch(/^qmail-newmrh: fatal: .*line 1 of .* is too long\n$/);
    expect(existsSync(join(queue.home, 'control/morercpthosts.cdb'))).toBe(false);
  });
});

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `box${i}@a-rather-long-domain.example.net`);
}

function markDone(path: string): void {
  const bytes = readFileSync(path);
  bytes[0] = 'D'.charCodeAt(0);
  writeFileSync(path, bytes);
}
