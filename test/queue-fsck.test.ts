// qmail-qfsck on real queues: what it finds, what it repairs, what it leaves alone, and what a crash in the middle
// of a repair leaves.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { splitOf } from '@q/queue-files';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { TestQueue } from './lib/queue.ts';
import { QueueService } from './lib/queue-service.ts';

let queue: TestQueue;

beforeEach(() => {
  queue = new TestQueue();
});
afterEach(async () => {
  await QueueService.end(queue);
  queue.remove();
});

async function fsck(
  ...args: string[]
): Promise<{ code: number | null; lines: string[]; err: string }> {
  const { code, out, err } = await queue.run('qmail-qfsck', ...args);
  return { code, err, lines: out.toString('latin1').trimEnd().split('\n') };
}

const IN_ORDER = { code: 0, lines: ['the queue is in order'], err: '' };

describe('a check', () => {
  test('finds nothing in a queue with messages in every state', async () => {
    queue.mess();
    queue.queued('joe@example.org', ['ann@mail.test']);
    queue.preprocessed({
      local: ['ann@mail.test'],
      remote: ['bob@far.test'],
      bounce: '<eve>:\nno\n\n',
    });
    queue.preprocessed({ bounce: '<eve>:\nno\n\n' });
    const halfway = queue.queued('joe@example.org', ['ann@mail.test']);
    queue.file(`queue/info/${splitOf(halfway)}/${halfway}`, 'Fjoe@example.org\0', 0o600);
    expect(await fsck()).toEqual(IN_ORDER);
  });

  test('tells of a leftover that qmail-send will remove, which is not wrong', async () => {
    const id = queue.mess();
    utimesSync(queue.paths.mess(id), 1, 1);
    expect(await fsck()).toEqual({
      code: 0,
      lines: [
        `mess/${splitOf(id)}/${id} was left over and will be removed by qmail-send`,
        'nothing wrong',
      ],
      err: '',
    });
  });

  test.each<[string, (id: string) => string, string]>([
    [
      'a mess file that is no file',
      (id) => replaceByDirectory(queue.paths.mess(id)),
      'is not a regular file',
    ],
    ['a torn todo', () => damaged('todo', 'u1\0p2\0Fjoe@exam'), 'ends in the middle of a record'],
    [
      'a todo without sender',
      () => damaged('todo', 'u1\0p2\0Tann@mail.test\0'),
      'is not what it should be',
    ],
    ['an empty channel file', () => damaged('local', ''), 'is empty'],
    [
      'a channel file of something else',
      () => damaged('local', 'Fjoe@example.org\0'),
      'is not what it should be',
    ],
    [
      'a torn channel file',
      () => damaged('local', 'Dann@mail.test\0Tbob'),
      'ends in the middle of a record',
    ],
    [
      'an endless record',
      () => damaged('local', `T${'x'.repeat(20_000)}`),
      'has a record without end',
    ],
    [
      'a torn info',
      () => damaged('info', 'Fjoe@exam'),
      'ends in the middle of a record: the sender is lost',
    ],
    ['an empty message', (id) => emptied(id), 'is empty'],
    ['a name that is no number', () => stray('mess/3/core'), 'is not a message number'],
    ['a number written oddly', () => stray('todo/007'), 'is not a message number'],
  ])('finds %s', async (_, harm, what) => {
    const id = queue.preprocessed({ local: ['ann@mail.test'] });
    const path = harm(id);
    const { code, lines } = await fsck();
    expect(lines).toEqual([`${path} ${what}`, '1 thing wrong']);
    expect(code).toBe(1);
  });

  test('names no byte that could disturb a terminal', async () => {
    queue.file('queue/todo/\x1b[2J\u{1f4a3}', 'x');
    expect((await fsck()).lines).toEqual(['todo/_[2J__ is not a message number', '1 thing wrong']);
  });

  test('gives JSON', async () => {
    const path = stray('info/3/x');
    const { lines } = await fsck('--json');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { path, what: 'is not a message number' },
    ]);
  });

  test('of a busy queue finds nothing: what only looks wrong for a moment is not told', async () => {
    queue.file('remote-answer', 'r');
    const service = new QueueService(queue);
    await service.logged('status:');
    const end = Date.now() + 4000;
    const busy = (async () => {
      while (Date.now() < end) {
        for (let i = 0; i < 20; i++)
          queue.queued('joe@example.org', ['bob@far.test', 'ann@mail.test']);
        writeFileSync(queue.paths.lock('trigger'), '\0');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const seen = [];
    while (Date.now() < end) seen.push(await fsck());
    await busy;
    expect(
      seen.every(({ code, lines }) => code === 0 && lines[0] === 'the queue is in order'),
      JSON.stringify(seen),
    ).toBe(true);
  });
});

describe('a repair', () => {
  test('gives files the mode they must have, and completes the tree', async () => {
    const id = queue.preprocessed({ local: ['ann@mail.test'] });
    chmodSync(queue.paths.mess(id), 0o600);
    chmodSync(queue.paths.info(id), 0o666);
    rmSync(queue.paths.lock('trigger'));
    rmSync(queue.paths.splitDirectory('remote', 7), { recursive: true });
    chmodSync(queue.paths.directory('bounce'), 0o755);
    const { code, lines } = await fsck();
    expect(lines).toEqual([
      'bounce has mode 0755, not 0700',
      'remote/7 is missing',
      'lock/trigger is missing',
      `mess/${splitOf(id)}/${id} has mode 0600, not 0644`,
      `info/${splitOf(id)}/${id} has mode 0666, not 0600`,
      '5 things wrong',
    ]);
    expect(code).toBe(1);
    expect((await fsck('--repair')).code).toBe(0);
    expect(await fsck()).toEqual(IN_ORDER);
    expect(statSync(queue.paths.mess(id)).mode & 0o777).toBe(0o644);
  });

  test('moves files into the directories where they belong', async () => {
    const id = queue.preprocessed({ local: ['ann@mail.test'] });
    const wrong = (splitOf(id) + 1) % 23;
    renameSync(queue.paths.info(id), join(queue.paths.splitDirectory('info', wrong), id));
    renameSync(queue.paths.mess(id), join(queue.paths.directory('mess'), id));
    expect((await fsck()).code).toBe(1);
    expect((await fsck('--repair')).code).toBe(0);
    expect(existsSync(queue.paths.info(id)) && existsSync(queue.paths.mess(id))).toBe(true);
  });

  test('takes out what belongs to no message, and keeps it', async () => {
    const id = '4000000000000';
    queue.file(`queue/info/${splitOf(id)}/${id}`, 'Fjoe@example.org\0', 0o600);
    queue.file(`queue/remote/${splitOf(id)}/${id}`, 'Tbob@far.test\0', 0o600);
    queue.file(`queue/todo/${id}`, 'u1\0p2\0Fjoe@example.org\0', 0o644);
    const { code, lines } = await fsck('--repair');
    expect(lines).toContain(
      `repair: info/${splitOf(id)}/${id} belongs to no message: now lost/info.${splitOf(id)}.${id}`,
    );
    expect(code).toBe(0);
    expect(readdirSync(join(queue.paths.root, 'lost')).sort()).toEqual(
      [`info.${splitOf(id)}.${id}`, `remote.${splitOf(id)}.${id}`, `todo.${id}`].sort(),
    );
    expect(readFileSync(join(queue.paths.root, `lost/remote.${splitOf(id)}.${id}`), 'latin1')).toBe(
      'Tbob@far.test\0',
    );
  });

  test('mail whose sender is lost is delivered as from nobody', async () => {
    const id = queue.preprocessed({ remote: ['bob@far.test'] });
    rmSync(queue.paths.info(id));
    const torn = queue.preprocessed({ remote: ['bob@far.test'] });
    writeFileSync(queue.paths.info(torn), '');
    expect((await fsck('--repair')).code).toBe(0);
    queue.file('remote-answer', 'r');
    const service = new QueueService(queue);
    await service.logged(`end msg ${id}`);
    await service.logged(`end msg ${torn}`);
    expect(service.log.split('success')).toHaveLength(3);
  });

  test('is refused while qmail-send runs', async () => {
    const service = new QueueService(queue);
    await service.logged('status:');
    stray('todo/x');
    const { code, err } = await fsck('--repair');
    expect(err).toBe(
      `qmail-qfsck: fatal: qmail-send is running (process ${service.child.pid}): stop it first\n`,
    );
    expect(code).toBe(111);
  });

  test('keeps qmail-send from starting until it is done', async () => {
    for (let i = 0; i < 300; i++) queue.preprocessed({ remote: [`box${i}@far.test`] });
    let stopped = await repairStopped();
    // Where we were not given the processor in time, it was done before it could be stopped.
    while (stopped === undefined) stopped = await repairStopped();
    const { repairing, exited } = stopped;
    const service = new QueueService(queue);
    await service.logged('alert: cannot start: unable to open mutex');
    repairing.kill('SIGCONT');
    await exited;
    expect(await fsck()).toEqual(IN_ORDER);
  });
});

/** A repair of the copied queue, stopped in the middle; undefined if it was done before that. */
async function repairStopped() {
  copyQueue();
  const { repairing, exited } = startRepair();
  const { staging, placing } = marks();
  await until('it is at work', () => existsSync(staging) || isOver(repairing), 120, 1);
  repairing.kill('SIGSTOP');
  await until('it has stopped', () => isOver(repairing) || stateOf(repairing.pid) === 'T');
  if (!isOver(repairing) && (existsSync(staging) || existsSync(placing)))
    return { repairing, exited };
  repairing.kill('SIGCONT');
  await exited;
  return undefined;
}

function startRepair() {
  const { env, uid, gid } = queue;
  const repairing = spawn(join(DIST, 'qmail-qfsck'), ['--repair'], {
    env,
    uid,
    gid,
    stdio: 'ignore',
  });
  return { repairing, exited: once(repairing, 'exit') };
}

/** What a repair puts in the place of the mutex. */
function marks() {
  const mutex = queue.paths.lock('sendmutex');
  return { staging: `${mutex}.staging`, placing: `${mutex}.placing` };
}

const isOver = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/** The letter in /proc/PID/stat; undefined when there is no such process. */
function stateOf(pid: number | undefined): string | undefined {
  try {
    return /^.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
  } catch {
    return undefined;
  }
}

describe('after the queue was copied to another disk', () => {
  test('every message is found wrong, and a repair makes all of them whole under their new numbers', async () => {
    const messages = fill(60);
    copyQueue();
    const found = await fsck();
    expect(found.code).toBe(1);
    expect(found.lines.filter((line) => line.includes('has inode number'))).toHaveLength(60);
    expect((await fsck('--repair')).code).toBe(0);
    expect(await fsck()).toEqual(IN_ORDER);
    expect(contents()).toEqual(messages);
  });

  test("messages whose old and new numbers are one another's are not mixed up", async () => {
    const messages = fill(20);
    shuffle();
    expect((await fsck('--repair')).code).toBe(0);
    expect(await fsck()).toEqual(IN_ORDER);
    expect(contents()).toEqual(messages);
  });

  test('a repair that was killed at any moment is finished by the next, and nothing is lost', async () => {
    const messages = fill(120);
    const mutex = queue.paths.lock('sendmutex');
    const { staging, placing } = marks();
    const underWay = () => existsSync(staging) || existsSync(placing);
    // More rounds where the killer comes too late: at least four are cut short.
    for (let round = 0, interrupted = 0; round < 12 || interrupted < 4; round++) {
      if (existsSync(mutex) && statSync(mutex).isFile()) shuffle();
      const { repairing, exited } = startRepair();
      await until('it is at work', () => underWay() || isOver(repairing), 120, 1);
      await new Promise((resolve) => setTimeout(resolve, (round % 6) * 4));
      repairing.kill('SIGKILL');
      await exited;
      if (underWay()) {
        interrupted++;
        if (round % 3 === 0) {
          const ran = await queue.run('qmail-qmanage', 'retry', '--all');
          expect(ran).toMatchObject({
            code: 111,
            err: expect.stringContaining('a repair was interrupted'),
          });
        }
      }
    }
    expect((await fsck('--repair')).code).toBe(0);
    expect(await fsck()).toEqual(IN_ORDER);
    expect(contents()).toEqual(messages);
  });

  test('what is mended is delivered', async () => {
    const waiting = queue.preprocessed({ remote: ['bob@far.test'], bounce: '' });
    rmSync(queue.paths.bounce(waiting));
    queue.queued('joe@example.org', ['ann@far.test']);
    copyQueue();
    expect((await fsck('--repair')).code).toBe(0);
    queue.file('remote-answer', 'r');
    const service = new QueueService(queue);
    await service.logged('end msg', 2);
    expect(service.log).toContain('to remote bob@far.test');
    expect(service.log).toContain('to remote ann@far.test');
    expect(service.log).not.toContain('warning');
  });
});

// --- a queue's messages, whatever their numbers ---

/** Messages in all states, each recognisable; gives what contents() must give. */
function fill(count: number): string[] {
  for (let i = 0; i < count; i++) {
    const sender = `sender${i}@example.org`;
    const body = `Received: x\n\nmessage ${i}\n`;
    if (i % 3 === 0) queue.queued(sender, [`box${i}@far.test`], body);
    else if (i % 3 === 1)
      queue.preprocessed({
        sender,
        body,
        birth: 1_000_000 + i,
        local: [`box${i}@mail.test`],
        remote: [`box${i}@far.test`],
      });
    else
      queue.preprocessed({
        sender,
        body,
        birth: 1_000_000 + i,
        remote: [`box${i}@far.test`],
        bounce: `<bad${i}>:\nno\n\n`,
      });
  }
  return contents();
}

/** All of each message, as one text, in an order that does not depend on numbers. */
function contents(): string[] {
  const { paths } = queue;
  const texts: string[] = [];
  for (let split = 0; split < 23; split++) {
    for (const id of readdirSync(paths.splitDirectory('mess', split))) {
      const files = [
        paths.mess(id),
        paths.todo(id),
        paths.intd(id),
        paths.info(id),
        paths.local(id),
        paths.remote(id),
        paths.bounce(id),
      ];
      const text = files
        .map((path) => (existsSync(path) ? readFileSync(path, 'latin1') : '-'))
        .join('|');
      const birth = existsSync(paths.info(id)) ? statSync(paths.info(id)).mtimeMs : 0;
      texts.push(`${text}|${birth}`);
    }
  }
  return texts.sort();
}

/** The queue as another disk would have it: all files copied, with their times and owners. */
function copyQueue(): void {
  const { root } = queue.paths;
  renameSync(root, `${root}.old`);
  rmSync(join(`${root}.old`, 'lock/trigger'));
  cpSync(`${root}.old`, root, { recursive: true, preserveTimestamps: true });
  rmSync(`${root}.old`, { recursive: true });
  queue.ownAll(root);
}

/** Every message gets the number of the next one: all numbers are taken and all are wrong. */
function shuffle(): void {
  const { paths } = queue;
  const ids = readdirSync(paths.directory('mess')).flatMap((split) =>
    readdirSync(paths.splitDirectory('mess', Number(split))),
  );
  const kinds = ['mess', 'todo', 'intd', 'info', 'local', 'remote', 'bounce'] as const;
  for (const id of ids)
    for (const kind of kinds)
      if (existsSync(paths[kind](id))) renameSync(paths[kind](id), `${paths[kind](id)}.x`);
  ids.forEach((id, i) => {
    const next = ids[(i + 1) % ids.length] as string;
    for (const kind of kinds)
      if (existsSync(`${paths[kind](id)}.x`)) renameSync(`${paths[kind](id)}.x`, paths[kind](next));
  });
}

// --- harm ---

function damaged(kind: 'todo' | 'local' | 'info', bytes: string): string {
  const id =
    kind === 'todo'
      ? queue.queued('joe@example.org', [])
      : queue.preprocessed({ local: ['ann@mail.test'] });
  writeFileSync(queue.paths[kind](id), bytes);
  return queue.paths[kind](id).slice(queue.paths.root.length + 1);
}

function emptied(id: string): string {
  writeFileSync(queue.paths.mess(id), '');
  return `mess/${splitOf(id)}/${id}`;
}

function stray(path: string): string {
  queue.file(`queue/${path}`, 'x');
  return path;
}

function replaceByDirectory(path: string): string {
  rmSync(path);
  mkdirSync(path);
  return path.slice(queue.paths.root.length + 1);
}
