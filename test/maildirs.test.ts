// The maildir tools, as built: their options and variables, a round trip that Python's mailbox module reads
// along, and kill -9 at any step.

import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST, openDirectory } from './lib/instance.ts';
import { killQuietly, until } from './lib/processes.ts';
import { installed, run as runProgram } from './lib/run.ts';
import { collect, type Said } from './lib/virtual-domain.ts';

let dir: string;
beforeEach(() => {
  dir = openDirectory('maildirs-');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = (path: string) => join(dir, path);
const { PATH } = process.env;

async function run(name: string, args: readonly string[] = [], env = {}): Promise<Said> {
  const { code, out, err } = await runProgram(join(DIST, name), args, {
    cwd: dir,
    env: { PATH, ...env },
  });
  return { code, out: out.toString('latin1'), err };
}

const done = { code: 0, out: '', err: '' };
const MAIL = { MAILDIR: 'M', MAIL: '../mbox', MAILTMP: '../mbox.tmp' };

/** Puts a message into M, `age` seconds old. */
function put(name: string, content: string, age = 100): void {
  writeFileSync(at(`M/${name}`), content, 'latin1');
  const time = Math.floor(Date.now() / 1000) - age;
  utimesSync(at(`M/${name}`), time, time);
}

function modeOf(path: string): string {
  return (statSync(at(path)).mode & 0o7777).toString(8);
}

/** What is in M: the names and contents of its messages, by content. */
function messages(folder: 'new' | 'cur'): string[] {
  return readdirSync(at(`M/${folder}`))
    .map((name) => readFileSync(at(`M/${folder}/${name}`), 'latin1'))
    .sort();
}

describe('maildirmake', () => {
  test('makes a maildir for its owner alone, whatever the umask', async () => {
    expect(await run('maildirmake', ['M'])).toEqual(done);
    expect(readdirSync(at('M')).sort()).toEqual(['cur', 'new', 'tmp']);
    for (const path of ['M', 'M/cur', 'M/new', 'M/tmp']) expect(modeOf(path)).toBe('700');
  });

  test.each([
    [[], 100, /^maildirmake: usage: maildirmake .*name\n$/],
    [['M', 'N'], 100, /^maildirmake: usage: /],
    [['file'], 111, /^maildirmake: fatal: unable to mkdir file: file already exists\n$/],
    [['none/M'], 111, /^maildirmake: fatal: unable to mkdir none\/M: no such file or directory\n$/],
    [['-f', 'A', 'none'], 111, /^maildirmake: fatal: none is not a maildir\n$/],
    [['-q', 'ten', 'M'], 100, /^maildirmake: fatal: not a quota .*: ten\n$/],
    [['-q', '1S,2S', 'M'], 100, /not a quota/],
    [['-s', 'read', 'M'], 100, /-s is for a folder/],
    [['-f', 'A', '-q', '1S', 'M'], 100, /a quota is for a whole maildir/],
  ])('%j exits %i', async (args, code, err) => {
    writeFileSync(at('file'), '');
    expect(await run('maildirmake', args)).toEqual({
      code,
      out: '',
      err: expect.stringMatching(err),
    });
    expect(existsSync(at('M'))).toBe(false);
  });

  test('-f makes folders, marked as such; -s opens them to others', async () => {
    await run('maildirmake', ['-S', 'M']);
    expect([modeOf('M'), modeOf('M/cur')]).toEqual(['755', '700']);
    expect(await run('maildirmake', ['-f', 'A.B', 'M'])).toEqual(done);
    expect(readdirSync(at('M/.A.B')).sort()).toEqual(['cur', 'maildirfolder', 'new', 'tmp']);
    expect(modeOf('M/.A.B/new')).toBe('700');
    const modes: Record<string, string[]> = {
      read: ['755', '755'],
      write: ['755', '1777'],
      'read,group': ['750', '750'],
      'group,write': ['750', '1770'],
    };
    for (const [access, expected] of Object.entries(modes)) {
      expect(await run('maildirmake', ['-f', `x ${access}`, '-s', access, 'M'])).toEqual(done);
      const folder = `M/.x ${access}`;
      expect([modeOf(folder), modeOf(`${folder}/cur`)]).toEqual(expected);
    }
    expect((await run('maildirmake', ['-f', 'A.B', 'M'])).code).toBe(111);
    for (const name of ['', '.', 'a/b', '.a', 'a.', 'a..b'])
      expect((await run('maildirmake', ['-f', name, 'M'])).code).toBe(100);
    expect((await run('maildirmake', ['-f', 'y', '-s', 'read,write', 'M'])).code).toBe(100);
  });

  test('-q sets the quota of a new maildir, or of one that has mail already', async () => {
    const quota = () => readFileSync(at('M/maildirsize'), 'latin1');
    expect(await run('maildirmake', ['-q', '1000000S', 'M'])).toEqual(done);
    expect(quota()).toBe('1000000S\n          0 0\n');
    for (const folder of ['A', 'Trash']) await run('maildirmake', ['-f', folder, 'M']);
    put('new/1', 'x'.repeat(100));
    put('cur/2,S=200:2,S', 'x');
    put('cur/3:2,T', 'x'.repeat(1000));
    put('.A/cur/4:2,', 'x'.repeat(50));
    put('.Trash/cur/5:2,', 'x'.repeat(1000));
    expect(await run('maildirmake', ['-q', '2000C,5S', 'M'])).toEqual(done);
    expect(quota()).toBe('5S,2000C\n        350 3\n');
  });
});

describe('maildir2mbox', () => {
  beforeEach(() => run('maildirmake', ['M']));
  const move = (env = {}) => run('maildir2mbox', [], { ...MAIL, ...env });
  const mbox = () => readFileSync(at('mbox'), 'latin1');

  test('appends new and old messages in the order of their times, and removes them', async () => {
    writeFileSync(at('mbox'), 'From old\n\nno line end');
    put('new/b', 'Return-Path: <a b@x.test>\nX: y\n\nFrom me\n>From you\nlast', 50);
    put('cur/c:2,S', 'Return-Path: <>\n\n\xe9\0\n', 70);
    put('new/a', '', 60);
    put('new/.hidden', 'x');
    const DATE = expect.stringMatching(/^\w{3} \w{3} \d\d .{8} \d{4}$/);
    expect(await move()).toEqual(done);
    const lines = mbox().split('\n');
    expect(lines.slice(0, 4)).toEqual(['From old', '', 'no line end', '']);
    const [one, two, three] = lines.filter((line) => /^From (?!old)/.test(line));
    expect(one?.replace('From MAILER-DAEMON ', '')).toEqual(DATE);
    expect(two?.replace('From XXX ', '')).toEqual(DATE);
    expect(three?.replace('From a-b@x.test ', '')).toEqual(DATE);
    expect(mbox().slice(mbox().indexOf('From a-b'))).toBe(
      `${three}\nReturn-Path: <a b@x.test>\nX: y\n\n>From me\n>>From you\nlast\n\n`,
    );
    expect(mbox()).toContain(`${one}\nReturn-Path: <>\n\n\xe9\0\n\n${two}\n\n${three}`);
    expect([messages('cur'), messages('new'), modeOf('mbox')]).toEqual([[], ['x'], '600']);
    expect(existsSync(at('mbox.tmp'))).toBe(false);
  });

  test('leaves what is not older than this very second, and does nothing without a message', async () => {
    put('new/a', 'x\n', -3600);
    expect(await move()).toEqual(done);
    expect(existsSync(at('mbox'))).toBe(false);
    expect(messages('new')).toEqual(['x\n']);
  });

  test.each([
    [{ MAIL: undefined }, 'MAIL not set'],
    [{ MAILTMP: undefined }, 'MAILTMP not set'],
    [{ MAILDIR: undefined }, 'MAILDIR not set'],
    [{ MAILDIR: 'none' }, 'unable to chdir to none: no such file or directory'],
    [{ MAIL: '../none/mbox' }, /^unable to lock .*\/none\/mbox: no such file or directory$/],
    [{ MAILTMP: '../none/tmp' }, /^unable to create .*\/none\/tmp: no such file or directory$/],
    [{ MAILTMP: '/dev/shm/maildirs-test/mbox.tmp' }, /^unable to (?:create|move) .*mbox\.tmp/],
  ])('%j: exit 111, and everything is as it was', async (env, reason) => {
    put('new/a', 'x\n');
    const { code, err } = await move(env);
    expect(code).toBe(111);
    expect(err.replace(/^maildir2mbox: fatal: (.*)\n$/, '$1')).toEqual(
      typeof reason === 'string' ? reason : expect.stringMatching(reason),
    );
    expect(messages('new')).toEqual(['x\n']);
    expect(existsSync(at('mbox')) ? mbox() : '').toBe('');
  });

  test('takes no FIFO, directory or link to one for a message, and replaces a link that is in its way', async () => {
    put('new/a', 'x\n');
    writeFileSync(at('secret'), 'secret');
    symlinkSync(at('secret'), at('mbox.tmp'));
    mkdirSync(at('M/cur/dir'));
    symlinkSync(at('M/cur/dir'), at('M/new/link'));
    await runProgram('mkfifo', [at('M/new/fifo')]);
    expect(await move()).toEqual(done);
    expect(mbox()).toMatch(/^From XXX .*\nx\n\n$/);
    expect(readFileSync(at('secret'), 'latin1')).toBe('secret');
    expect(readdirSync(at('M/new')).sort()).toEqual(['fifo', 'link']);
  });

  test('tells maildirsize of what it removed', async () => {
    put('new/a', 'one\n');
    put('cur/b,S=20:2,S', 'twenty\n');
    await run('maildirmake', ['-q', '1000S', 'M']);
    expect(await move()).toEqual(done);
    expect(readFileSync(at('M/maildirsize'), 'latin1')).toMatch(/^1000S\n *24 2\n *-24 +-2\n$/);
  });

  test('waits for the lock of whoever writes to the mbox, also when the file is replaced meanwhile', async () => {
    put('new/a', 'mine\n');
    writeFileSync(at('mbox'), 'From first\n\n');
    await holdMbox('From second');
    const moving = spawn(join(DIST, 'maildir2mbox'), { cwd: dir, env: { PATH, ...MAIL } });
    const said = collect(moving);
    await until('maildir2mbox waits', () => waitsForLock(moving.pid));
    expect(messages('new')).toEqual(['mine\n']);
    writeFileSync(at('go'), '');
    expect(await said).toEqual(done);
    expect(mbox()).toMatch(/^From second\nFrom XXX .*\nmine\n\n$/);
  });
});

/** Holds the lock of the mbox until the file "go" is there; then puts a new file in its place, as maildir2mbox does. */
async function holdMbox(text: string): Promise<void> {
  const script =
    'echo ready; while test -e mbox -a ! -e go; do sleep 0.05; done; printf "%s\\n" "$1" >n; mv n mbox';
  const args = ['mbox', 'sh', '-c', script, 'sh', text];
  const holder = spawn('flock', args, { cwd: dir, env: { PATH } });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
}

/** /proc/locks marks with "->" who waits. */
function waitsForLock(pid: number | undefined): boolean {
  return new RegExp(`->.* ${pid} `).test(readFileSync('/proc/locks', 'latin1'));
}

describe('mbox2maildir', () => {
  beforeEach(() => run('maildirmake', ['M']));
  const FROM = 'From ann@x.test Sun Sep 03 04:46:53 1995\n';

  test('makes messages of an mbox, with sender, date and flags, and leaves the file', async () => {
    const content = `${FROM}X: y\nStatus: RO\n\n>From me\n>>From you\n\n${FROM}Return-Path: <>\n\nnew\n`;
    writeFileSync(at('mbox'), content);
    expect(await run('mbox2maildir', ['mbox', 'M'])).toEqual(done);
    expect(messages('cur')).toEqual(['Return-Path: <ann@x.test>\nX: y\n\nFrom me\n>From you\n']);
    expect(messages('new')).toEqual(['Return-Path: <>\n\nnew\n']);
    const [name = ''] = readdirSync(at('M/cur'));
    expect(name).toMatch(/:2,S$/);
    expect(statSync(at(`M/cur/${name}`)).mtimeMs).toBe(810_103_613_000);
    expect(modeOf(`M/cur/${name}`)).toBe('600');
    expect(readdirSync(at('M/tmp'))).toEqual([]);
    expect(readFileSync(at('mbox'), 'latin1')).toBe(content);
  });

  test('-o reads older quoting, -e empties the file at the end', async () => {
    writeFileSync(at('mbox'), `${FROM}\n>From me\n>>From you\n`);
    expect(await run('mbox2maildir', ['-o', '-e', 'mbox', 'M'])).toEqual(done);
    expect(messages('new')).toEqual(['Return-Path: <ann@x.test>\n\nFrom me\n>>From you\n']);
    expect(statSync(at('mbox')).size).toBe(0);
  });

  test('reads, and empties, the file that has the name once the lock is its own', async () => {
    writeFileSync(at('mbox'), `${FROM}\nfirst\n`);
    await holdMbox(`${FROM}\nsecond`);
    const options = { cwd: dir, env: { PATH } };
    const copying = spawn(join(DIST, 'mbox2maildir'), ['-e', 'mbox', 'M'], options);
    const said = collect(copying);
    await until('mbox2maildir waits', () => waitsForLock(copying.pid));
    writeFileSync(at('go'), '');
    expect(await said).toEqual(done);
    expect(messages('new')).toEqual(['Return-Path: <ann@x.test>\n\nsecond\n']);
    expect(statSync(at('mbox')).size).toBe(0);
  });

  test.each([
    [['mbox', 'none'], 111, 'none is not a maildir'],
    [['none', 'M'], 100, 'unable to open none: no such file or directory'],
    [['mbox', 'M'], 100, 'not an mbox file: no From line'],
  ])('%j exits %i', async (args, code, text) => {
    writeFileSync(at('mbox'), 'Subject: x\n');
    const err = `mbox2maildir: fatal: ${text}\n`;
    expect(await run('mbox2maildir', args)).toEqual({ code, out: '', err });
    expect(readFileSync(at('mbox'), 'latin1')).toBe('Subject: x\n');
  });
});

/** Prints what Python reads: for each message its flags and its bytes, sorted. */
const PYTHON = `
import mailbox, sys, json
kind, path = sys.argv[1:]
box = mailbox.mbox(path) if kind == 'mbox' else mailbox.Maildir(path, factory=None)
out = []
for key in box.keys():
    m = box.get_message(key)
    out.append([m.get_flags(), box.get_bytes(key).decode('latin1')])
print(json.dumps(sorted(out, key=lambda e: e[1])))
`;

async function python(kind: 'mbox' | 'maildir', path: string): Promise<[string, string][]> {
  const { code, out, err } = await runProgram('python3', ['-c', PYTHON, kind, at(path)]);
  if (code !== 0) throw new Error(err);
  return JSON.parse(out.toString('utf8'));
}

test.runIf(installed('python3'))(
  "a maildir goes into an mbox and comes back as it was, and Python's mailbox module agrees (needs python3)",
  async () => {
    await run('maildirmake', ['M']);
    const texts = Array.from(
      { length: 40 },
      (_, i) =>
        `Return-Path: <u${i}@x.test>\nSubject: ${i}\n\nFrom \xe9 ${i}\n\n>From ${'y'.repeat(i * 5000)}\n\nend${'\n'.repeat(1 + (i % 3))}`,
    );
    for (const [i, text] of texts.entries()) put(i % 2 === 0 ? `new/${i}` : `cur/${i}:2,S`, text);
    expect(await run('maildir2mbox', [], MAIL)).toEqual(done);
    const quoted = texts.map((text) => text.replace(/^(>*From )/gm, '>$1')).sort();
    const read = await python('mbox', 'mbox');
    expect(read.map(([, text]) => text)).toEqual(quoted);
    expect(await run('mbox2maildir', ['-e', 'mbox', 'M'])).toEqual(done);
    expect((await python('maildir', 'M')).map(([, text]) => text)).toEqual([...texts].sort());
    // And one that Python wrote, with flags.
    const write =
      "import mailbox,sys\nb=mailbox.mbox(sys.argv[1])\nm=mailbox.mboxMessage('Subject: p\\n\\nFrom p\\n')\n" +
      "m.set_from('py@x.test',True)\nm.set_flags('ROFA')\nb.add(m)\nb.flush()";
    expect((await runProgram('python3', ['-c', write, at('mbox')])).err).toBe('');
    expect(await run('mbox2maildir', ['mbox', 'M'])).toEqual(done);
    const found = (await python('maildir', 'M')).find(([, text]) => text.includes('Subject: p'));
    expect(found).toEqual(['FRS', 'Return-Path: <py@x.test>\nSubject: p\n\nFrom p\n']);
  },
);

describe('kill -9 at any step loses no message', () => {
  const ids = Array.from({ length: 300 }, (_, i) => `id-${i}.`);
  const text = (id: string) => `Return-Path: <a@x.test>\nX: ${id}\n\n${id.repeat(300)}\n`;

  /** The ids in the mbox and in the maildir, whole messages only. */
  function present(): Set<string> {
    const all = [...messages('new'), ...messages('cur')].join('');
    const mbox = existsSync(at('mbox')) ? readFileSync(at('mbox'), 'latin1') : '';
    return new Set(ids.filter((id) => all.includes(text(id)) || mbox.includes(text(id))));
  }

  /** Runs it, and kills it as soon as `when` holds, if it has not ended before. */
  async function killed(name: string, args: string[], env: object, when: When): Promise<void> {
    const options = { cwd: dir, env: { PATH, ...env }, stdio: 'ignore' } as const;
    const child = spawn(join(DIST, name), args, options);
    const started = performance.now();
    let ended = false;
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => {
        ended = true;
        resolve();
      });
    });
    // As quickly as can be looked: some steps take less than a millisecond.
    while (!ended && !when(performance.now() - started)) await new Promise(setImmediate);
    if (child.pid !== undefined) killQuietly(child.pid, 'SIGKILL');
    await exited;
  }

  type When = (elapsed: number) => boolean;
  const sizeOf = (path: string) => statSync(at(path), { throwIfNoEntry: false })?.size ?? 0;
  const left = (folder: string) => readdirSync(at(folder)).length;
  /** Moments spread over a run that takes `whole` ms. */
  const moments = (whole: number, count: number): When[] =>
    Array.from({ length: count }, () => {
      const moment = whole * (0.2 + Math.random());
      return (elapsed: number) => elapsed > moment;
    });

  test('of maildir2mbox', async () => {
    await run('maildirmake', ['M']);
    const fill = () => {
      for (const id of ids) put(`new/${id}`, text(id));
    };
    fill();
    const start = performance.now();
    expect(await run('maildir2mbox', [], MAIL)).toEqual(done);
    const steps: When[] = [
      () => existsSync(at('mbox.tmp')),
      () => sizeOf('mbox.tmp') > 0,
      () => sizeOf('mbox.tmp') > 200_000,
      () => sizeOf('mbox') > 0,
      () => left('M/new') < ids.length,
      () => left('M/new') < ids.length / 2,
      () => left('M/new') === 0,
      ...moments(performance.now() - start, 10),
    ];
    for (const step of steps) {
      rmSync(at('mbox'), { force: true });
      fill();
      await killed('maildir2mbox', [], MAIL, step);
      expect(present().size).toBe(ids.length);
    }
    expect(await run('maildir2mbox', [], MAIL)).toEqual(done);
    expect([present().size, left('M/new')]).toEqual([ids.length, 0]);
  });

  test('of mbox2maildir -e', async () => {
    await run('maildirmake', ['M']);
    const whole = ids.map((id) => `From a@x.test Sun Sep 03 04:46:53 1995\n${text(id)}\n`).join('');
    writeFileSync(at('mbox'), whole);
    const start = performance.now();
    expect(await run('mbox2maildir', ['-e', 'mbox', 'M'])).toEqual(done);
    const steps: When[] = [
      () => left('M/tmp') > 0,
      () => left('M/new') > 0,
      () => left('M/new') === ids.length,
      () => sizeOf('mbox') === 0,
      ...moments(performance.now() - start, 8),
    ];
    for (const step of steps) {
      for (const name of readdirSync(at('M/new'))) rmSync(at(`M/new/${name}`));
      writeFileSync(at('mbox'), whole);
      await killed('mbox2maildir', ['-e', 'mbox', 'M'], {}, step);
      expect(present().size).toBe(ids.length);
      for (const message of messages('new'))
        expect(message).toMatch(/\nX: (\S+)\n\n(?:\1){300}\n$/);
    }
  });
});

describe('maildirwatch', () => {
  beforeEach(() => run('maildirmake', ['M']));
  const ENV = { MAILDIR: 'M' };

  test('--once shows each new message: sender, recipient, From, and two lines of text', async () => {
    put('new/b', 'Subject: no sender\n', 50);
    put(
      'new/a',
      `Return-Path: <a@x.test>\nDelivered-To: joe\nFrom: A\n <a\x1b>\nSubject: hi\n there\n\nline\n${'z'.repeat(1e6)}`,
      60,
    );
    put('cur/c:2,', 'Subject: seen\n');
    expect(await run('maildirwatch', ['--once'], ENV)).toEqual({
      code: 0,
      err: '',
      out:
        `FROM <a@x.test> TO <joe>\n\x1b[1mFrom: A/ <a/>\x1b[0m\nhi/ there/line/${'z'.repeat(158 - 15)}\n\n` +
        'FROM ? TO <?>\nno sender/\n\n',
    });
  });

  test('clears the window and looks again', async () => {
    put('new/a', 'Subject: one\n');
    const child = spawn(join(DIST, 'maildirwatch'), ['--every', '0.2'], {
      cwd: dir,
      env: { PATH, ...ENV },
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString('latin1');
    });
    await until('the first message is shown', () =>
      out.includes('\x1b[;H\x1b[;JFROM ? TO <?>\none/\n\n'),
    );
    put('new/b', 'Subject: two\n', 50);
    await until('the second is shown', () => out.includes('two/'));
    child.kill('SIGTERM');
    await until('it ends', () => child.signalCode === 'SIGTERM');
  });

  test.each([
    [[], {}, 111, 'MAILDIR not set'],
    [[], { MAILDIR: 'none' }, 111, 'unable to chdir to none: no such file or directory'],
    [['--every', '0'], { MAILDIR: 'M' }, 100, '--every takes a number of seconds'],
  ])('%j with %j exits %i', async (args, env, code, text) => {
    const said = await run('maildirwatch', args, env);
    expect(said).toEqual({ code, out: '', err: `maildirwatch: fatal: ${text}\n` });
  });
});

test.each([
  ['elq', 'elm'],
  ['pinq', 'pine'],
  ['qail', 'Mail'],
])('%s moves new mail to the mbox, then becomes %s', async (name, reader) => {
  await run('maildirmake', ['M']);
  put('new/a', 'x\n');
  mkdirSync(at('bin'));
  writeFileSync(at(`bin/${reader}`), '#!/bin/sh\necho "$0 $* $$"; tail -n2 mbox; exit 7\n');
  chmodSync(at(`bin/${reader}`), 0o755);
  const child = spawn(join(DIST, name), ['-f', 'x y'], {
    cwd: dir,
    env: { ...MAIL, PATH: `${at('bin')}:${PATH}` },
  });
  const { pid } = child;
  expect(await collect(child)).toEqual({
    code: 7,
    out: `${at(`bin/${reader}`)} -f x y ${pid}\nx\n\n`,
    err: '',
  });
});

test('elq without elm says so, and moves nothing', async () => {
  await run('maildirmake', ['M']);
  put('new/a', 'x\n');
  mkdirSync(at('empty'));
  const node = { PATH: at('empty') };
  const { code, err } = await runProgram(process.execPath, [join(DIST, 'elq')], {
    cwd: dir,
    env: { ...MAIL, ...node },
  });
  expect([code, err]).toEqual([111, 'elq: fatal: no mail reader in PATH: elm\n']);
  expect(messages('new')).toEqual(['x\n']);
});
