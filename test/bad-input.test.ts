// What hostile or careless peers send to a running instance: a clear error in the protocol's words, nothing
// half done, and the next session works.

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stopInstance,
} from './lib/instance.ts';
import { killQuietly, processesOf, until } from './lib/processes.ts';
import { isRoot } from './lib/run.ts';

/** Sends `lines` one after the other, each after a reply; resolves to the last reply lines, one per input. */
function talk(port: number, lines: readonly (string | Buffer)[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const left = [...lines];
    const replies: string[] = [];
    let held = '';
    socket.setTimeout(120_000, () =>
      socket.destroy(new Error(`no reply after ${JSON.stringify(replies)}`)),
    );
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(replies) : reject(error),
    );
    socket.on('close', () => resolve(replies));
    socket.on('data', (chunk) => {
      held += chunk.toString('latin1');
      for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
        const reply = held.slice(0, end);
        held = held.slice(end + 2);
        if (/^\d{3}-/.test(reply)) continue;
        replies.push(reply);
        const next = left.shift();
        if (next === undefined) socket.end();
        else socket.write(typeof next === 'string' ? Buffer.from(`${next}\r\n`, 'latin1') : next);
      }
    });
  });
}

const TO_ALICE = ['HELO x', 'MAIL FROM:<a@elsewhere.test>', 'RCPT TO:<alice@example.test>', 'DATA'];

describe('bad input', () => {
  let top: string;
  let dir: string;
  let instance: RunningInstance;

  beforeAll(async () => {
    top = openDirectory('bad-input-');
    dir = join(top, 'var');
    instance = await startInstance(dir);
  });
  afterAll(async () => {
    await stopInstance(instance);
    await removeInstance(dir, [instance.supervisor]);
    await removeInstance(top, []);
  });

  test('a command with a NUL is an error and the session goes on', async () => {
    const replies = await talk(instance.smtpPort, [
      'HELO x',
      'NO\0OP',
      'MAIL FROM:<a\0b@c>',
      'NOOP',
      'QUIT',
    ]);
    expect(replies.map((reply) => reply.slice(0, 1))).toEqual(['2', '2', '5', '5', '2', '2']);
    const pop3 = await talk(instance.pop3Port, ['US\0ER x', 'NOOP', 'QUIT']);
    expect(pop3[1]).toMatch(/^-ERR/);
  });

  test('a command of 10,000 characters is refused, and never taken for two', async () => {
    const replies = await talk(instance.smtpPort, [
      'HELO x',
      `MAIL FROM:<${'a'.repeat(10_000)}@b>`,
      'NOOP',
      'QUIT',
    ]);
    expect(replies[2]).toMatch(/^5\d\d /);
    expect((await talk(instance.pop3Port, [`USER ${'u'.repeat(10_000)}`]))[1]).toMatch(/^-ERR/);
  });

  test('a text line of 10,000 characters arrives unchanged', async () => {
    const line = 'x'.repeat(10_000);
    expect(
      (
        await talk(instance.smtpPort, [...TO_ALICE, `Subject: long\r\n\r\n${line}\r\n.`, 'QUIT'])
      )[5],
    ).toMatch(/^250 ok /);
    const [alice] = instance.users;
    const box = join(dir, 'domains/example.test/users/alice/new');
    await until('it is delivered', () => readdirSync(box).length === 1);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(instance.pop3Port, '127.0.0.1', () => {
        socket.write(
          `USER ${alice?.address}\r\nPASS ${alice?.password}\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n`,
        );
      });
      let all = '';
      socket.on('data', (chunk) => {
        all += chunk.toString('latin1');
      });
      socket.on('close', () => resolve(all));
      socket.on('error', reject);
    });
    expect(text).toContain(`\r\n\r\n${line}\r\n`);
  });

  test('a message over databytes is refused, and nothing of it stays in the queue', async () => {
    writeFileSync(join(dir, 'control/databytes'), '5000\n');
    const big = `Subject: big\r\n\r\n${'0123456789\r\n'.repeat(1000)}.`;
    expect((await talk(instance.smtpPort, [...TO_ALICE, big, 'QUIT']))[5]).toBe(
      '552 sorry, that message size exceeds my databytes limit (#5.3.4)',
    );
    expect(
      (
        await talk(instance.smtpPort, ['EHLO x', 'MAIL FROM:<a@b.test> SIZE=999999999999', 'QUIT'])
      )[2],
    ).toMatch(/^552 /);
    writeFileSync(join(dir, 'control/databytes'), '0\n');
    await until('the queue is empty', () => queueFiles(dir).length === 0);
  });

  test.each(['\n.\n', '\n.\r\n', '\r\n.\n', '\r\n.\r', '\r.\r\n'])(
    'DATA ended by %j is not ended: no second message can be smuggled',
    async (end) => {
      const smuggled = `MAIL FROM:<evil@x.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\n.\r\n`;
      const body = Buffer.from(`Subject: first\r\n\r\ntext${end}${smuggled}`, 'latin1');
      const replies = await talk(instance.smtpPort, [...TO_ALICE, body]);
      expect(replies.filter((reply) => reply.startsWith('250 ok ')).length).toBeLessThanOrEqual(1);
      expect(replies.filter((reply) => reply.startsWith('354'))).toHaveLength(1);
    },
  );

  test('a domain that is not ours is refused, also in disguise', async () => {
    const disguises = [
      '<u@other.test>',
      '<u%other.test@relay.test>',
      '<@example.test:u@other.test>',
      '<"u@other.test"@relay.test>',
    ];
    for (const to of disguises) {
      const replies = await talk(instance.smtpPort, [
        'HELO x',
        'MAIL FROM:<a@b.test>',
        `RCPT TO:${to}`,
        'QUIT',
      ]);
      expect(replies[3], to).toMatch(/^553 /);
    }
  });

  test('a wrong password is refused and the right one works afterwards', async () => {
    const [alice] = instance.users;
    const wrong = await talk(instance.pop3Port, [`USER ${alice?.address}`, 'PASS wrong', 'QUIT']);
    expect(wrong[2]).toMatch(/^-ERR/);
    const right = await talk(instance.pop3Port, [
      `USER ${alice?.address}`,
      `PASS ${alice?.password}`,
      'STAT',
      'QUIT',
    ]);
    expect(right[3]).toMatch(/^\+OK \d+ \d+$/);
  });

  test('a connection that breaks inside DATA queues nothing', async () => {
    await talk(instance.smtpPort, [...TO_ALICE]).then((replies) =>
      expect(replies[4]).toMatch(/^354/),
    );
    await new Promise<void>((resolve) => {
      const socket = connect(instance.smtpPort, '127.0.0.1', () => {
        socket.write(`${TO_ALICE.join('\r\n')}\r\nSubject: cut\r\n\r\nhalf a mess`);
        setTimeout(() => socket.destroy(), 300);
      });
      socket.on('close', () => resolve());
      socket.on('error', () => {});
    });
    await until('the queue is empty', () => queueFiles(dir).length === 0);
  });

  test('after all this the same processes serve', () => {
    expect(processesOf(dir).some((process) => process.name === 'qmail-smtpd')).toBe(true);
  });
});

describe.runIf(isRoot)('a full disk (needs root: mounts a small tmpfs)', () => {
  test('a queue without room gives 451, keeps no debris, and takes mail again when there is room', async () => {
    const top = openDirectory('full-disk-');
    const dir = join(top, 'var');
    const queue = join(dir, 'queue');
    mkdirSync(queue, { recursive: true });
    mkdirSync(join(dir, 'control'));
    for (const path of [dir, queue, join(dir, 'control')]) chownSync(path, 52_525, 52_525);
    expect(
      spawnSync('mount', [
        '-t',
        'tmpfs',
        '-o',
        'size=2m,uid=52525,gid=52525,mode=755',
        'tmpfs',
        queue,
      ]).status,
    ).toBe(0);
    let instance: RunningInstance | undefined;
    try {
      instance = await startInstance(dir);
      expect(statSync(queue).dev).not.toBe(statSync(dir).dev);
      const big = `Subject: big\r\n\r\n${'0123456789012345678901234567890123456789\r\n'.repeat(100_000)}.`;
      const replies = await talk(instance.smtpPort, [...TO_ALICE, big, 'QUIT']);
      expect(replies[5]).toBe('451 qq write error or disk full (#4.3.0)');
      await until('no debris is left', () => queueFiles(dir).length === 0);
      const after = await talk(instance.smtpPort, [
        ...TO_ALICE,
        'Subject: small\r\n\r\nsmall\r\n.',
        'QUIT',
      ]);
      expect(after[5]).toMatch(/^250 ok /);
      const box = join(dir, 'domains/example.test/users/alice/new');
      await until(
        'the small one is delivered',
        () => existsSync(box) && readdirSync(box).length === 1,
      );
      await stopInstance(instance);
    } finally {
      for (const { pid } of processesOf(dir)) killQuietly(pid, 'SIGKILL');
      await until('the queue can be unmounted', () => spawnSync('umount', [queue]).status === 0);
      await removeInstance(dir, [instance?.supervisor]);
      await removeInstance(top, []);
    }
  });
});

/** Names of all message files in the queue, in any state. */
function queueFiles(dir: string): string[] {
  const queue = join(dir, 'queue');
  return ['mess', 'info', 'local', 'remote']
    .flatMap((kind) =>
      readdirSync(join(queue, kind)).flatMap((split) =>
        readdirSync(join(queue, kind, split)).map((name) => `${kind}/${name}`),
      ),
    )
    .concat(
      ['pid', 'intd', 'todo', 'bounce'].flatMap((kind) =>
        readdirSync(join(queue, kind)).map((name) => `${kind}/${name}`),
      ),
    );
}
