// replier and qbiff, as built: who gets a reply and how often; who is told on which terminal.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeliveryProgram, RECIPIENT, SENDER } from './lib/delivery-program.ts';
import { DIST } from './lib/instance.ts';
import { installed, isRoot } from './lib/run.ts';

let delivery: DeliveryProgram;
beforeEach(() => {
  delivery = new DeliveryProgram('replier-');
});
afterEach(() => delivery.remove());

describe('replier', () => {
  const message = `To: ${RECIPIENT}\nSubject: hi\nMessage-ID: <1@x.test>\n\nare you there?\n`;
  const reply = (args = ['away'], options = {}) =>
    delivery.run('replier', args, { message, ...options });
  const inHome = (name: string) => join(delivery.home, name);
  const quiet = (reason: string) => ({ code: 0, out: '', err: `replier: no reply: ${reason}\n` });

  beforeEach(() => {
    delivery.file('away', 'Subject: away\n\nBack on Monday.\n');
  });

  test('answers the envelope sender from nobody, once, and remembers it', async () => {
    expect(await reply()).toEqual({
      code: 0,
      out: '',
      err: expect.stringMatching(/^replier: qp [0-9]+\n$/),
    });
    const queued = delivery.queued();
    expect(queued).toMatchObject({ sender: '', recipients: [SENDER] });
    const lines = queued?.message.split('\n') ?? [];
    expect(lines[0]).toMatch(/^Date: \d+ \w+ \d{4} \d\d:\d\d:\d\d -0000$/);
    expect(lines[1]).toMatch(/^Message-ID: <[0-9.]+replier@host\.test>$/);
    expect(lines.slice(2)).toEqual([
      `From: <${RECIPIENT}>`,
      `To: <${SENDER}>`,
      'Subject: away',
      'In-Reply-To: <1@x.test>',
      'References: <1@x.test>',
      'Auto-Submitted: auto-replied',
      '',
      'Back on Monday.',
      '',
    ]);
    expect(readFileSync(inHome('away.sent'), 'latin1')).toMatch(
      new RegExp(`^[0-9]{10} ${SENDER}\n$`),
    );
    expect(await reply()).toEqual(quiet('the sender has had a reply'));
    expect(delivery.queued()).toBeUndefined();
  });

  test('its own reply gets none, nor does any reply to it', async () => {
    await reply();
    const own = delivery.queued()?.message ?? '';
    const env = { SENDER: 'ben@y.test', RECIPIENT: SENDER };
    expect(await delivery.run('replier', ['away'], { message: own, env })).toEqual(
      quiet('Auto-Submitted: auto-replied'),
    );
  });

  test.each([
    ['a bounce', {}, { SENDER: '' }, 'it is a bounce'],
    ['a list', { message: `List-Id: <x>\n${message}` }, {}, 'List-Id: <x>'],
    ['bulk mail', { message: `Precedence: bulk\n${message}` }, {}, 'Precedence: bulk'],
    ['a blind copy', { message: 'To: x@y.test\n\n' }, {}, 'it is not addressed to here'],
  ])('%s gets none, and nobody is remembered', async (_, options, env, reason) => {
    expect(await reply(['away'], { ...options, env })).toEqual(quiet(reason));
    expect(delivery.queued()).toBeUndefined();
    expect(existsSync(inHome('away.sent'))).toBe(false);
  });

  test('-a names our other addresses; the first is the one that answers', async () => {
    const env = { RECIPIENT: 'dom-joe@dom.test' };
    expect(await reply(['away'], { env })).toEqual(quiet('it is not addressed to here'));
    const args = ['-a', RECIPIENT, '-ajoe@other.test', 'away'];
    expect((await reply(args, { env })).err).toMatch(/^replier: qp/);
    expect(delivery.queued()?.message).toContain(`From: <${RECIPIENT}>\n`);
  });

  test('-d says for how many days, -m where they are remembered', async () => {
    const days = (n: number) => Math.floor(Date.now() / 1000) - n * 86_400;
    delivery.file('memory', `${days(3)} ${SENDER}\n${days(9)} b@y.test\n`);
    const args = ['-m', 'memory', 'away'];
    expect(await reply(args)).toEqual(quiet('the sender has had a reply'));
    expect((await reply(['-d', '2', ...args])).err).toMatch(/^replier: qp/);
    expect(readFileSync(inHome('memory'), 'latin1')).toMatch(new RegExp(`^[0-9]+ ${SENDER}\n$`));
    expect(existsSync(inHome('away.sent'))).toBe(false);
  });

  test('a queue that cannot take the reply defers the message, and the next try answers', async () => {
    for (const QQ of ['53', '31'])
      expect(await reply(['away'], { env: { QQ } })).toMatchObject({ code: 111 });
    expect((await reply()).err).toMatch(/^replier: qp/);
  });

  test('a text that is missing or wrong defers the message, for whoever it is from', async () => {
    rmSync(inHome('away'));
    const env = { SENDER: '' };
    expect(await reply(['away'], { env })).toEqual({
      code: 111,
      out: '',
      err: 'replier: fatal: unable to reply with away: no such file or directory\n',
    });
    delivery.file('away', 'Bcc: all@x.test\n\nx\n');
    expect((await reply(['away'], { env })).err).toBe(
      "replier: fatal: away: a reply's Bcc is not for the text to say\n",
    );
  });

  test.each([[[]], [['a', 'b']], [['-d', '0', 'a']], [['-d', 'x', 'a']], [['-x', 'a']]])(
    '%j is a wrong call',
    async (args) => {
      expect(await reply(args)).toMatchObject({
        code: 100,
        err: expect.stringMatching(/^replier: usage: replier /),
      });
    },
  );

  test.each(['SENDER', 'RECIPIENT'])('needs %s', async (name) => {
    expect(await reply(['away'], { env: { [name]: undefined } })).toMatchObject({
      code: 100,
      err: `replier: fatal: ${name} not set\n`,
    });
  });
});

describe('qbiff', () => {
  test('is silent and content when nobody is logged in, or it is called without a delivery', async () => {
    const done = { code: 0, out: '', err: '' };
    expect(await delivery.run('qbiff', [], { env: { USER: 'nobody-of-this-name' } })).toEqual(done);
    for (const name of ['USER', 'SENDER', 'LOCAL'])
      expect(await delivery.run('qbiff', [], { env: { [name]: undefined } })).toEqual(done);
  });

  // A terminal of its own, a utmp that says who is there, and qbiff in a mount namespace where it is the real one.
  const SCRIPT = `
import os, pty, struct, subprocess, sys
utmp, message, qbiff, mode, user, owner = sys.argv[1:]
master, slave = pty.openpty()
name = os.ttyname(slave)
os.chmod(name, int(mode, 8))
if owner != '': os.chown(name, int(owner), -1)
line = name[len('/dev/'):].encode()
record = struct.pack('hxxi32s4s32s256s52x', 7, 1, line, b'', user.encode(), b'')
assert len(record) == 384
open(utmp, 'wb').write(record)
bind = 'touch /run/utmp && mount --bind "$1" /run/utmp && exec "$2" <"$3"'
code = subprocess.call(['unshare', '-m', 'sh', '-c', bind, 'sh', utmp, qbiff, message])
# What is written to a terminal comes out of it a moment later, in order: a byte of our own is the last.
os.write(slave, b'!')
said = b''
while not said.endswith(b'!'): said += os.read(master, 4096)
sys.stdout.buffer.write(b'%d ' % code + said[:-1])
`;
  const ask = (mode: string, user: string, owner = '') => {
    const message = delivery.file('message', 'Subject: hello\x1b[2J\n\nFirst line\nmore\n');
    const env = { ...delivery.env, SENDER: 'ann\x07@x.test' };
    const args = ['-c', SCRIPT, join(delivery.home, 'utmp'), message, join(DIST, 'qbiff')];
    const ran = spawnSync('python3', [...args, mode, user, owner], { env });
    expect(ran.stderr.toString()).toBe('');
    return ran.stdout.toString('latin1');
  };

  test.runIf(isRoot && installed('python3', 'unshare', 'mount'))(
    'writes two harmless lines to a terminal whose x bit is set (needs root, python3, util-linux)',
    () => {
      // The terminal makes CR LF of LF.
      expect(ask('700', 'joe').replace(/\r+\n/g, '\n')).toBe(
        '0 \n\x07*** TO <joe> FROM <ann_@x.test>\n    hello/[2J/First line/more/\n',
      );
      expect(ask('600', 'joe')).toBe('0 ');
      expect(ask('700', 'joey')).toBe('0 ');
      expect(ask('700', 'joe', '65534')).toBe('0 ');
    },
  );
});
