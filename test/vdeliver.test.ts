// vdeliver, as built: which record takes a message, what it leaves in the maildir and the queue, and how it
// ends when something is wrong.

import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { installed, isRoot, run } from './lib/run.ts';
import {
  collect,
  type DeliverOptions,
  DOMAIN,
  deliveryVariables,
  MESSAGE,
  makeVirtualDomain,
  type VirtualDomain,
} from './lib/virtual-domain.ts';

let domain: VirtualDomain;

beforeEach(async () => {
  domain = await makeVirtualDomain('vdeliver-');
  // A queue that keeps what it is given; $QQ is its exit code.
  domain.write(
    join(domain.qmail, 'bin/qmail-queue'),
    `#!/bin/sh\ncat >'${inHome('queued')}'\ncat <&1 >'${inHome('envelope')}'\n` +
      `echo "$QMAILUSER@$QMAILHOST" >'${inHome('sender')}'\nexit \${QQ:-0}\n`,
    0o755,
  );
});
afterEach(() => domain.remove());

const RETURN_PATH = 'Return-Path: <ann@elsewhere.test>\n';
const deliveredTo = (ext: string) => `Delivered-To: owner-${ext}@${DOMAIN}\n`;
const inHome = (path: string) => join(domain.home, path);

async function add(name: string, ...options: string[]): Promise<void> {
  expect(await domain.tool('vadduser', ['-P', ...options, name])).toMatchObject({ code: 0 });
}

function mailIn(user: string, folder = 'new'): string[] {
  const dir = inHome(`users/${user}/${folder}`);
  return readdirSync(dir).map((name) => readFileSync(join(dir, name), 'latin1'));
}

/** What the queue got, or undefined. */
function queued(): { message: string; recipients: string[]; sender: string } | undefined {
  try {
    const [sender = '', ...recipients] = readFileSync(inHome('envelope'), 'latin1').split('\0');
    return {
      message: readFileSync(inHome('queued'), 'latin1'),
      sender: sender.slice(1),
      recipients: recipients.slice(0, -2).map((text) => text.slice(1)),
    };
  } catch {
    return undefined;
  }
}

const delivered = { code: 0, out: '', err: '' };

describe('a mailbox', () => {
  test('gets Return-Path, Delivered-To and the message byte for byte', async () => {
    await add('me');
    expect(await domain.deliver('ME')).toEqual(delivered);
    expect(mailIn('me')).toEqual([`${RETURN_PATH}${deliveredTo('ME')}${MESSAGE}`]);
    expect(mailIn('me', 'tmp')).toEqual([]);
  });

  test('the options choose the lines before the message', async () => {
    await add('me');
    const heads: Record<string, string> = {
      '-F': `From ann@elsewhere.test Thu Jan 01 00:00:00 1970\n${RETURN_PATH}${deliveredTo('me')}`,
      '-d': RETURN_PATH,
      '-r': deliveredTo('me'),
      '-dr': '',
      '-DRf': `${RETURN_PATH}${deliveredTo('me')}`,
    };
    for (const [option, head] of Object.entries(heads)) {
      expect((await domain.deliver('me', { args: [option] })).code).toBe(0);
      expect(mailIn('me')).toEqual([`${head}${MESSAGE}`]);
      for (const name of readdirSync(inHome('users/me/new')))
        rmSync(inHome(`users/me/new/${name}`));
    }
  });

  test('a large message goes through whole', async () => {
    await add('me');
    const message = `Subject: big\n\n${'0123456789abcdef\n'.repeat(200_000)}`;
    expect((await domain.deliver('me', { message })).code).toBe(0);
    expect(mailIn('me')[0]?.endsWith(message)).toBe(true);
  });

  test('that is missing or not a maildir defers the message', async () => {
    await add('me', '-f', 'x@y.test');
    rmSync(inHome('users/me/tmp'), { recursive: true });
    expect(await domain.deliver('me')).toMatchObject({
      code: 111,
      out: 'vdeliver: Destination directory does not appear to be a maildir.\n',
    });
    expect(queued()).toBeUndefined();
  });
});

describe('the record', () => {
  test('is that of the name; else of what is before a dash; else the catch-all', async () => {
    await add('joe');
    await add('joe-lists');
    const to = async (ext: string) => {
      const { code, out } = await domain.deliver(ext);
      return code === 0 ? undefined : [code, out];
    };
    expect(await to('joe-lists-qmail-owner')).toBeUndefined();
    expect(await to('joe-x')).toBeUndefined();
    expect([mailIn('joe-lists').length, mailIn('joe').length]).toEqual([1, 1]);
    expect(await to('joes-x')).toEqual([
      100,
      "vdeliver: Invalid or unknown virtual user 'joes-x'\n",
    ]);
    expect(await to('')).toEqual([100, "vdeliver: Invalid or unknown virtual user ''\n"]);
    await add('+');
    for (const ext of ['joes-x', '', '-', '-x']) expect(await to(ext)).toBeUndefined();
    expect(mailIn('+')).toHaveLength(4);
    domain.write(inHome('.vmailmgr/default-username'), 'joe-lists\n');
    expect(await to('nobody')).toBeUndefined();
    expect(mailIn('joe-lists')).toHaveLength(2);
  });

  test('that has expired bounces', async () => {
    await add('me', '-e', '1');
    await sleep(2100);
    expect(await domain.deliver('me')).toMatchObject({
      code: 100,
      out: "vdeliver: Virtual user 'me' has expired\n",
    });
  });

  test.runIf(installed('cdb'))(
    'that leads nowhere defers with a reason: disabled, or neither mailbox nor forward (needs tinycdb)',
    async () => {
      await add('me');
      await domain.tool('vaddalias', ['void', 'me']);
      await rewrite((dump) => dump.replace('\x0a\x01\x08\x01', '\x0a\x01\x08\x00'));
      expect(await domain.deliver('me')).toMatchObject({
        code: 111,
        out: "vdeliver: Virtual user 'me' is disabled; the message waits\n",
      });
      await rewrite((dump) =>
        dump
          .replace(
            'void->\x02\x0a\x00\x08\x01\0*\0./users/void\0me\0',
            'void->\x02\x0a\x00\x08\x01\0*\0./users/v\0',
          )
          .replace('+4,47:', '+4,41:'),
      );
      const said = await domain.deliver('void');
      expect(said.code).toBe(111);
      expect(said.out).toContain('neither mailbox nor forwarding address');
      expect(mailIn('me')).toEqual([]);
    },
  );

  test('that cannot be read, or a table that is damaged, never bounces mail', async () => {
    await add('me');
    writeFileSync(inHome('passwd.cdb'), readFileSync(inHome('passwd.cdb')).subarray(0, 2060));
    expect((await domain.deliver('me')).code).toBe(111);
    chmodSync(inHome('passwd.cdb'), 0);
    expect((await domain.deliver('nobody')).code).toBe(111);
  });
});

/** Changes the table by the text that tinycdb dumps and loads. */
async function rewrite(change: (dump: string) => string): Promise<void> {
  const dump = (await run('cdb', ['-d', inHome('passwd.cdb')])).out.toString('latin1');
  const changed = change(dump);
  expect(changed).not.toBe(dump);
  const loaded = await run('cdb', ['-c', '-p', '0644', inHome('passwd.cdb')], {
    input: Buffer.from(changed, 'latin1'),
  });
  expect(loaded.err).toBe('');
}

describe('forwards', () => {
  test('go out in one message, before which stands Delivered-To alone', async () => {
    await add('you');
    await add('me', '-f', 'you', '-f', 'x@y.test', '-f', 'root@');
    expect(await domain.deliver('me', { args: ['-d'] })).toEqual(delivered);
    expect(queued()).toEqual({
      sender: 'ann@elsewhere.test',
      recipients: [`you@${DOMAIN}`, 'x@y.test', 'root@mail.host.test'],
      message: `${deliveredTo('me')}${MESSAGE}`,
    });
    expect(readFileSync(inHome('sender'), 'utf8')).toBe('ann@elsewhere.test\n');
    expect(mailIn('me')).toEqual([`${RETURN_PATH}${MESSAGE}`]);
  });

  test('of an alias, with the null sender of a bounce', async () => {
    await add('all', '-D', '-f', 'x@y.test');
    expect(await domain.deliver('all', { env: { SENDER: '' } })).toEqual(delivered);
    expect(queued()).toMatchObject({ sender: '', recipients: ['x@y.test'] });
  });

  test('that the queue does not take now leave nothing in the mailbox', async () => {
    await add('me', '-f', 'x@y.test');
    const failed = await domain.deliver('me', { env: { QQ: '53' } });
    expect([failed.code, failed.out.includes('Unable to forward message')]).toEqual([111, true]);
    expect([mailIn('me'), mailIn('me', 'tmp')]).toEqual([[], []]);
    expect((await domain.deliver('me', { env: { QQ: '31' } })).code).toBe(100);
    rmSync(join(domain.qmail, 'bin/qmail-queue'));
    expect((await domain.deliver('me')).code).toBe(111);
    expect((await domain.deliver('me', { env: { QMAILQUEUE: '/no/such' } })).code).toBe(111);
    expect(mailIn('me')).toEqual([]);
  });

  test('to name@ wait until control/me is there', async () => {
    await add('me', '-f', 'root@');
    writeFileSync(join(domain.qmail, 'control/me'), '');
    expect(await domain.deliver('me')).toMatchObject({
      code: 111,
      out: 'vdeliver: control/me is empty!\n',
    });
    expect(mailIn('me')).toEqual([]);
  });

  test('keep a sender that is not UTF-8, byte for byte', async () => {
    await add('all', '-D', '-f', 'x@y.test');
    const script =
      'SENDER=$(printf "j\\351r\\377me@y.test"); export SENDER; exec vdeliver <"$HOME/message"';
    domain.write(inHome('message'), MESSAGE);
    const env = { ...domain.env, ...deliveryVariables('all') };
    const ran = await run('sh', ['-c', script], { env, uid: domain.uid, gid: domain.gid });
    expect(ran.code).toBe(0);
    expect(queued()?.sender).toBe('j\u00e9r\u00ffme@y.test');
  });
});

describe('hooks', () => {
  const globalHook = (name: string) => join(domain.qmail, 'etc/vmailmgr', name);
  const ownHook = (name: string) => inHome(`.vmailmgr/${name}`);
  const log = () => readFileSync(inHome('log'), 'latin1');

  test('run in order, each with the whole message and the record in its environment', async () => {
    await add('me', '-Q', '5000', '-p', 'Some One');
    const script = (place: string, status = 0) =>
      `#!/bin/sh\nset -f\n{ echo ${place} $# $VUSER $MAILDIR $VUSER_HARDQUOTA $VUSER_SOFTQUOTA $VUSER_HAS_MAILBOX $VUSER_MAILBOX_ENABLED "$VUSER_PERSONAL"; wc -c; } >>"$HOME/log"\nexit ${status}\n`;
    domain.write(globalHook('vdeliver-predeliver'), script('1'), 0o755);
    domain.write(ownHook('vdeliver-predeliver'), script('2'), 0o755);
    domain.write(globalHook('vdeliver-postdeliver'), script('3', 9), 0o755);
    domain.write(ownHook('vdeliver-postdeliver'), script('4'), 0o755);
    expect(await domain.deliver('me-ext')).toEqual({
      ...delivered,
      out: 'vdeliver: Execution of vdeliver-postdeliver failed\n',
    });
    const line = (place: string) =>
      `${place} 0 me ./users/me 5000 - 1 1 Some One\n${Buffer.byteLength(MESSAGE, 'latin1')}\n`;
    expect(log()).toBe(['1', '2', '3'].map(line).join(''));
    rmSync(inHome('log'));
    await domain.deliver('me', { args: ['--no-predeliver', '--no-postdeliver'] });
    expect(mailIn('me')).toHaveLength(2);
    expect(() => log()).toThrow();
  });

  test('predeliver can deal with the message itself, bounce it or defer it', async () => {
    await add('me');
    const ends = async (status: number | string) => {
      domain.write(ownHook('vdeliver-predeliver'), `#!/bin/sh\nexit ${status}\n`, 0o755);
      const { code, out } = await domain.deliver('me');
      return [code, out];
    };
    const failed = 'vdeliver: Execution of vdeliver-predeliver failed\n';
    expect(await ends(99)).toEqual([99, '']);
    expect(await ends(100)).toEqual([100, failed]);
    expect(await ends(7)).toEqual([7, failed]);
    expect(await ends('$(kill -9 $$)')).toEqual([255, failed]);
    domain.write(ownHook('vdeliver-predeliver'), 'not a program\n', 0o755);
    expect((await domain.deliver('me')).code).toBe(127);
    expect(mailIn('me')).toEqual([]);
    chmodSync(ownHook('vdeliver-predeliver'), 0o644);
    expect((await domain.deliver('me')).code).toBe(0);
  });
});

describe('wrong calls', () => {
  test('a missing variable bounces, and --quiet says nothing of it', async () => {
    for (const name of ['USER', 'EXT', 'HOST', 'SENDER', 'UFLINE', 'RPLINE', 'DTLINE']) {
      const options: DeliverOptions = { env: { [name]: undefined } };
      expect(await domain.deliver('me', options)).toMatchObject({
        code: 100,
        out: `vdeliver: ${name} is not set\n`,
      });
      expect(await domain.deliver('me', { ...options, args: ['--quiet'] })).toMatchObject({
        code: 100,
        out: '',
      });
    }
    expect((await domain.deliver('me', { env: { HOME: undefined } })).code).toBe(111);
  });

  test('a message that is not a file waits', async () => {
    await add('me');
    const env = { ...domain.env, ...deliveryVariables('me') };
    const { uid, gid } = domain;
    const said = await run(join(DIST, 'vdeliver'), [], { env, uid, gid, input: MESSAGE });
    expect(said.code).toBe(111);
    expect([mailIn('me'), mailIn('me', 'tmp')]).toEqual([[], []]);
  });

  test.runIf(isRoot)('it will not run as root (needs root)', async () => {
    const env = { ...domain.env, ...deliveryVariables('me') };
    expect(await run(join(DIST, 'vdeliver'), [], { env })).toMatchObject({ code: 111 });
  });
});

test.runIf(isRoot)(
  'a full disk defers and leaves nothing, and no forward has gone out (needs root, for a small tmpfs)',
  async () => {
    await add('me', '-f', 'x@y.test');
    const box = inHome('users/me');
    rmSync(box, { recursive: true });
    mkdirSync(box);
    const owner = `size=64k,uid=${domain.uid},gid=${domain.gid}`;
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', owner, 'tmpfs', box]);
    if (mounted.code !== 0) return; // a container that may not mount
    try {
      for (const sub of ['new', 'cur', 'tmp'])
        await run('mkdir', [join(box, sub)], { uid: domain.uid, gid: domain.gid });
      const message = `Subject: big\n\n${'x'.repeat(100_000)}\n`;
      expect((await domain.deliver('me', { message })).code).toBe(111);
      expect([mailIn('me'), mailIn('me', 'tmp'), queued()]).toEqual([[], [], undefined]);
    } finally {
      await run('umount', [box]);
    }
  },
);

test('kill -9 at any moment: the next try delivers, and new never has half a message', async () => {
  await add('me');
  domain.write(inHome('message'), MESSAGE);
  for (let round = 0; round < 12; round++) {
    const fd = openSync(inHome('message'), 'r');
    const child = spawn(join(DIST, 'vdeliver'), [], {
      env: { ...domain.env, ...deliveryVariables('me') },
      uid: domain.uid,
      gid: domain.gid,
      stdio: [fd, 'ignore', 'ignore'],
    });
    closeSync(fd);
    const ended = collect(child);
    await Promise.race([ended, sleep(40 + Math.random() * 120)]);
    child.kill('SIGKILL');
    await ended;
    expect((await domain.deliver('me')).code).toBe(0);
    const whole = `${RETURN_PATH}${deliveredTo('me')}${MESSAGE}`;
    const mail = mailIn('me');
    expect(mail.length).toBeGreaterThan(round);
    expect(mail.filter((text) => text !== whole)).toEqual([]);
  }
});
