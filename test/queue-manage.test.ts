// qmail-qmanage on real queues: beside a running qmail-send with everything that belongs to it, and without.

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from './lib/processes.ts';
import { TestQueue } from './lib/queue.ts';
import { QueueService } from './lib/queue-service.ts';
import type { Ran } from './lib/run.ts';

const DAY = 86_400;
let queue: TestQueue;

beforeEach(() => {
  queue = new TestQueue();
  queue.file('remote-answer', 's');
});
afterEach(async () => {
  await QueueService.end(queue);
  queue.remove();
});

function manage(...args: string[]): Promise<Ran> {
  return queue.run('qmail-qmanage', ...args);
}

async function lines(...args: string[]): Promise<string[]> {
  return (await manage(...args)).out.toString('latin1').trimEnd().split('\n');
}

async function numbers(...args: string[]): Promise<string[]> {
  const { out } = await manage('list', '--json', ...args);
  const text = out.toString('utf8').trimEnd();
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line).id);
}

function filesOf(id: string): string[] {
  const { paths } = queue;
  const all = [
    paths.mess(id),
    paths.intd(id),
    paths.todo(id),
    paths.info(id),
    paths.local(id),
    paths.remote(id),
    paths.bounce(id),
  ];
  return all
    .filter((path) => existsSync(path))
    .map((path) => path.slice(paths.root.length + 1).replace(/\/.*/, ''));
}

describe('list', () => {
  test('shows a line a message, with who waits', async () => {
    const birth = Math.floor(Date.now() / 1000) - 3 * 3600 - 60;
    const id = queue.preprocessed({
      birth,
      local: ['ann@mail.test'],
      remote: ['bob@far.test'],
      body: 'x'.repeat(1234),
    });
    const fresh = queue.queued('new@example.org', ['eve@far.test']);
    const [heading, first, second] = await lines('list');
    expect(heading).toMatch(/NUMBER +AGE +BYTES +STATE +SENDER -> WAITING RECIPIENTS$/);
    expect(first).toMatch(
      new RegExp(
        `^ *${id} +3h +1\\.2k  waiting   <joe@example\\.org> -> ann@mail\\.test and 1 more$`,
      ),
    );
    expect(second).toMatch(
      new RegExp(`^ *${fresh} +\\d+s .* new       <new@example\\.org> -> eve@far\\.test$`),
    );
  });

  test('finds messages by sender, by waiting recipient, by age and by number', async () => {
    const now = Math.floor(Date.now() / 1000);
    const old = queue.preprocessed({
      sender: 'Spam@Bad.example',
      birth: now - 2 * DAY,
      remote: ['bob@far.test'],
    });
    const young = queue.preprocessed({
      sender: 'joe@example.org',
      remote: ['ann@far.test', 'eve@far.test'],
    });
    expect(await numbers('--sender', '*@bad.example')).toEqual([old]);
    expect(await numbers('--recipient', 'eve@*')).toEqual([young]);
    expect((await numbers('--recipient', '*@far.test')).sort()).toEqual([old, young].sort());
    expect(await numbers('--older', '1d')).toEqual([old]);
    expect(await numbers('--older', '1d', '--recipient', 'ann*')).toEqual([]);
    expect(await numbers(young)).toEqual([young]);
    expect(await numbers(`#${old}`)).toEqual([old]);
  });

  test('the empty sender can be asked for', async () => {
    const bounce = queue.preprocessed({ sender: '', remote: ['bob@far.test'] });
    queue.preprocessed({ remote: ['bob@far.test'] });
    expect(await numbers('--sender', '')).toEqual([bounce]);
  });

  test('a number that is not in the queue is said and exits 111', async () => {
    expect(await manage('list', '4')).toMatchObject({
      code: 111,
      err: 'qmail-qmanage: no message 4 in the queue\n',
    });
  });
});

describe('show', () => {
  test('shows envelope, failures and header, harmless for a terminal', async () => {
    const id = queue.preprocessed({
      birth: 812_090_814,
      sender: 'joe\x1b[2J@example.org',
      remote: ['bob@far.test'],
      bounce: '<eve@far.test>:\nno such box\n\n',
      body: 'Subject: \x1b]0;owned\x07\n\tfolded\n\nsecret\n',
    });
    expect((await lines('show', id)).join('\n')).toBe(
      `message:    ${id}, 36 bytes\nstate:      waiting, some recipients failed\n` +
        'queued:     26 Sep 1995 04:46:54 GMT\nsender:     <joe_[2J@example.org>\n' +
        'recipient:  remote <bob@far.test>\n\nfailed so far:\n<eve@far.test>:\nno such box\n\n\n' +
        'header:\nSubject: _]0;owned_\n folded',
    );
  });

  test('--message gives the message byte for byte', async () => {
    const body = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 256)).toString('latin1');
    const id = queue.preprocessed({ remote: ['bob@far.test'] });
    writeFileSync(queue.paths.mess(id), Buffer.from(body, 'latin1'));
    expect((await manage('show', '--message', id)).out.toString('latin1')).toBe(body);
  });
});

describe('a wrong call does nothing and exits 100', () => {
  test.each([
    ['no such command', ['frobnicate']],
    ['no message named', ['delete']],
    ['what is no number', ['delete', '../1']],
    ['--all with a pattern', ['delete', '--all', '--sender', 'x']],
    ['an unknown option', ['delete', '--everything']],
    ['an age without sense', ['delete', '--older', 'long']],
  ])('%s', async (_, args) => {
    const id = queue.preprocessed({ remote: ['bob@far.test'] });
    expect((await manage(...args)).code).toBe(100);
    expect(filesOf(id)).toEqual(['mess', 'info', 'remote']);
    expect(readFileSync(queue.paths.remote(id), 'latin1')).toBe('Tbob@far.test\0');
  });
});

describe('beside a running qmail-send', () => {
  let service: QueueService;

  /** A message that has been tried once and waits. */
  async function deferred(...recipients: string[]): Promise<string> {
    service = new QueueService(queue);
    await service.logged('status:');
    return another(...recipients);
  }

  async function another(...recipients: string[]): Promise<string> {
    const id = queue.queued('joe@example.org', recipients);
    writeFileSync(queue.paths.lock('trigger'), '\0');
    await until('the message waits', () => {
      const log = service.log;
      const begun = [...log.matchAll(new RegExp(`delivery (\\d+): msg ${id} to remote`, 'g'))];
      const over = ([, n]: RegExpExecArray) => log.includes(`delivery ${n}: deferral: try_later`);
      return (
        begun.length === recipients.length &&
        begun.every(over) &&
        log.lastIndexOf('remote 0/20') > log.lastIndexOf('deferral') &&
        // One with a single recipient is tried from todo, and preprocessed only then.
        filesOf(id).join() === 'mess,info,remote'
      );
    }).catch((error) => {
      throw new Error(`${error.message}\n${service.log}`);
    });
    return id;
  }

  test('delete drops a message: nothing more is tried, nobody is told, nothing is left', async () => {
    const id = await deferred('bob@far.test', 'eve@far.test');
    const other = await another('ann@far.test');
    const { code, out } = await manage('delete', id);
    expect(out.toString()).toBe(
      `#${id} <joe@example.org> 2 recipients dropped\n` +
        'delete: 1 message: takes effect when qmail-send turns to each next (at once: qmail-qmanage retry --all)\n',
    );
    expect(code).toBe(0);
    expect(readFileSync(queue.paths.remote(id), 'latin1')).toBe('Dbob@far.test\0Deve@far.test\0');
    expect((await manage('retry', '--all')).out.toString()).toBe(
      'qmail-send tries all messages now\n',
    );
    await service.logged(`end msg ${id}`);
    await until('its files are gone', () => filesOf(id).length === 0);
    await service.logged(`msg ${other} to remote ann@far.test`, 2);
    expect(service.log.split(`msg ${id} to remote`)).toHaveLength(3);
    expect(service.log).not.toContain('bounce msg');
    expect(service.log).not.toContain('warning');
    expect(filesOf(other)).toEqual(['mess', 'info', 'remote']);
  });

  test('delete --recipient drops that recipient of every message and no other', async () => {
    const id = await deferred('bob@far.test', 'eve@dead.test');
    expect((await manage('delete', '--recipient', '*@dead.test', '--now')).code).toBe(0);
    await service.logged(`msg ${id} to remote bob@far.test`, 2);
    expect(service.log.split('to remote eve@dead.test')).toHaveLength(2);
    expect(readFileSync(queue.paths.remote(id), 'latin1')).toBe('Tbob@far.test\0Deve@dead.test\0');
  });

  test('a delivery under way goes on; its message ends with it', async () => {
    service = new QueueService(queue);
    await service.logged('status:');
    queue.file('remote-answer', 'r');
    queue.file('remote-wait', '');
    const id = queue.queued('joe@example.org', ['bob@far.test', 'eve@far.test']);
    writeFileSync(queue.paths.lock('trigger'), '\0');
    await service.logged('starting delivery 2');
    expect(await manage('delete', id)).toMatchObject({ code: 0, err: '' });
    rmSync(`${queue.home}/remote-wait`);
    await service.logged('success', 2);
    await service.logged(`end msg ${id}`);
    await until('its files are gone', () => filesOf(id).length === 0);
    expect(service.log).not.toContain('warning');
  });

  test('a message that is still in todo is left alone: it may be under delivery from there', async () => {
    service = new QueueService(queue);
    await service.logged('status:');
    queue.file('remote-answer', 'r');
    queue.file('remote-wait', '');
    const id = queue.queued('joe@example.org', ['bob@far.test']);
    writeFileSync(queue.paths.lock('trigger'), '\0');
    await service.logged('starting delivery 1');
    expect(existsSync(queue.paths.todo(id))).toBe(true);
    for (const command of ['delete', 'bounce']) {
      expect(await manage(command, id)).toMatchObject({
        code: 111,
        err: `qmail-qmanage: #${id} is still in todo, where qmail-send may be delivering it: try again later\n`,
      });
    }
    expect(filesOf(id)).toEqual(['mess', 'intd', 'todo']);
    rmSync(`${queue.home}/remote-wait`);
    await service.logged(`end msg ${id}`);
  });

  test('what had failed before a delete is not bounced', async () => {
    const id = await deferred('bob@far.test');
    queue.file(`queue/bounce/${id}`, '<eve@far.test>:\nno such box\n\n', 0o600);
    expect((await manage('delete', id, '--now')).code).toBe(0);
    await service.logged(`end msg ${id}`);
    expect(service.log).not.toContain('bounce msg');
  });

  test('bounce makes the next attempt the last: the sender gets the message back', async () => {
    const id = await deferred('bob@far.test');
    const { code, out } = await manage('bounce', '--recipient', 'BOB@*', '--now');
    expect(out.toString()).toContain(`#${id} <joe@example.org> tried once more, then bounced\n`);
    expect(code).toBe(0);
    await service.logged('failure: try_later');
    await service.logged(`bounce msg ${id} qp`);
    await service.logged(`end msg ${id}`);
    await service.logged('from <> ');
    await service.logged('to remote joe@example.org');
  });

  test('bounce by recipient leaves a message with other recipients as it is, and says so', async () => {
    const id = await deferred('bob@far.test', 'eve@far.test');
    const before = statSync(queue.paths.info(id)).mtimeMs;
    const { code, err } = await manage('bounce', '--recipient', 'bob@*');
    expect(err).toBe(
      `qmail-qmanage: #${id} has other recipients too: give its number to bounce it as a whole\n`,
    );
    expect(code).toBe(111);
    expect(statSync(queue.paths.info(id)).mtimeMs).toBe(before);
  });

  test('a message whose last attempt succeeds is delivered, not bounced', async () => {
    const id = await deferred('bob@far.test');
    queue.file('remote-answer', 'r');
    await manage('bounce', id, '--now');
    await service.logged(`end msg ${id}`);
    expect(service.log).toContain('success');
    expect(service.log).not.toContain('bounce msg');
  });

  test('retry of one message is refused, with the ways there are', async () => {
    const id = await deferred('bob@far.test');
    const { code, err } = await manage('retry', id);
    expect(code).toBe(111);
    expect(err).toMatch(
      /qmail-send is running .* retry --all.* stop it, run this again, and start it\n$/,
    );
  });

  test('--dry-run says what would be done and does nothing', async () => {
    const id = await deferred('bob@far.test');
    const { out } = await manage('delete', id, '--dry-run');
    expect(out.toString()).toContain(`#${id} <joe@example.org> would delete\n`);
    expect(readFileSync(queue.paths.remote(id), 'latin1')).toBe('Tbob@far.test\0');
  });
});

describe('without qmail-send', () => {
  test('delete removes a message at once, whatever state it is in', async () => {
    const waiting = queue.preprocessed({
      local: ['ann@mail.test'],
      remote: ['bob@far.test'],
      bounce: 'x',
    });
    const fresh = queue.queued('joe@example.org', ['ann@mail.test']);
    const kept = queue.preprocessed({ sender: 'other@example.org', remote: ['bob@far.test'] });
    const { code, out } = await manage('delete', '--sender', 'joe@*');
    expect(out.toString().split('\n').sort()).toEqual(
      [
        '',
        `#${fresh} <joe@example.org> removed`,
        `#${waiting} <joe@example.org> 2 recipients dropped, removed`,
        'delete: 2 messages',
      ].sort(),
    );
    expect(code).toBe(0);
    expect([filesOf(waiting), filesOf(fresh)]).toEqual([[], []]);
    expect(filesOf(kept)).toEqual(['mess', 'info', 'remote']);
  });

  test('delete of a half preprocessed message leaves nothing that looks like a message', async () => {
    const id = queue.queued('joe@example.org', ['ann@mail.test']);
    queue.file(queue.paths.info(id).slice(queue.home.length + 1), 'Fjoe@exam', 0o600);
    expect((await manage('delete', id)).code).toBe(0);
    expect(filesOf(id)).toEqual([]);
  });

  test('retry makes single messages due: the next qmail-send tries them first thing', async () => {
    const tomorrow = Math.floor(Date.now() / 1000) + DAY;
    const chosen = queue.preprocessed({ remote: ['bob@far.test'], due: tomorrow });
    const other = queue.preprocessed({ remote: ['ann@far.test'], due: tomorrow });
    expect((await manage('retry', chosen)).code).toBe(0);
    const service = new QueueService(queue);
    await service.logged(`msg ${chosen} to remote bob@far.test`);
    await service.logged('deferral');
    await service.stop();
    expect(service.log).not.toContain(`msg ${other} to remote`);
  });

  test('bounce: the next qmail-send tries once more, then bounces', async () => {
    const tomorrow = Math.floor(Date.now() / 1000) + DAY;
    const id = queue.preprocessed({ remote: ['bob@far.test'], due: tomorrow });
    expect((await manage('bounce', id)).code).toBe(0);
    const service = new QueueService(queue);
    await service.logged(`bounce msg ${id} qp`);
  });

  test('an interrupted repair is named, and nothing is touched', async () => {
    const id = queue.preprocessed({ remote: ['bob@far.test'] });
    const mutex = queue.paths.lock('sendmutex');
    rmSync(mutex);
    queue.file('queue/lock/sendmutex.staging', '', 0o600);
    const { code, err } = await manage('delete', id);
    expect({ code, err }).toEqual({
      code: 111,
      err: 'qmail-qmanage: fatal: a repair was interrupted: run qmail-qfsck --repair\n',
    });
    expect(filesOf(id)).toEqual(['mess', 'info', 'remote']);
  });
});
