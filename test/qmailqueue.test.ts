// $QMAILQUEUE, wherever mail is queued: the program it names decides, and its own words, which it writes to
// descriptor 6 before exit 82, reach whoever asked.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DIST, openDirectory } from './lib/instance.ts';
import { netstring } from './lib/qmqp.ts';
import type { Ran } from './lib/run.ts';

const MESSAGE = 'Subject: x\n\nbody\n';
const DELIVERY = {
  SENDER: 'ann@a.test',
  NEWSENDER: 'ann@a.test',
  RECIPIENT: 'me@b.test',
  DTLINE: 'Delivered-To: me@b.test\n',
  RPLINE: 'Return-Path: <ann@a.test>\n',
  UFLINE: 'From ann@a.test Thu Jan  1 00:00:00 1970\n',
};

let home: string;
beforeEach(() => {
  home = openDirectory('qq-');
  mkdirSync(join(home, 'control'));
  mkdirSync(join(home, 'user'), { mode: 0o755 });
  writeFileSync(join(home, 'control/me'), 'b.test\n');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Runs a program on a file as its input, as deliveries are run. */
async function run(
  name: string,
  args: readonly string[],
  input: string,
  script: string,
): Promise<Ran> {
  const path = join(home, 'input');
  writeFileSync(path, input, 'latin1');
  writeFileSync(join(home, 'filter'), `#!/bin/sh\ncat >/dev/null\n${script}\n`, { mode: 0o755 });
  const fd = openSync(path, 'r');
  const env = {
    PATH: `${DIST}:${process.env.PATH}`,
    QMAILHOME: home,
    QMAILQUEUE: join(home, 'filter'),
    ...DELIVERY,
  };
  const child = spawn(join(DIST, name), args, { env, stdio: [fd, 'pipe', 'pipe'] });
  closeSync(fd);
  const [out, err, [code]] = await Promise.all([
    collect(child.stdout as Readable),
    collect(child.stderr as Readable),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { code, out, err: err.toString('latin1') };
}

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const SMTP = 'MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n';
const QMTP = netstring(`\n${MESSAGE}`) + netstring('a@b') + netstring(netstring('c@d'));
const QMQP = netstring(netstring(MESSAGE) + netstring('a@b') + netstring('c@d'));

interface Caller {
  readonly name: string;
  readonly args: () => readonly string[];
  readonly input: string;
  /** What is seen of a refusal for good and of one for now, with exit codes. */
  readonly never: readonly [number, string];
  readonly later: readonly [number, string];
}

/** A .qmail file's program, or a user's: 100 and 111. */
function program(name: string, args: readonly string[], words = (text: string) => text): Caller {
  return {
    name,
    args: () => args,
    input: MESSAGE,
    never: [100, words('no spam here (#5.7.1)')],
    later: [111, words('come back later')],
  };
}

const localArguments = () => {
  const user = join(home, 'user');
  return ['--', 'me', user, 'me', '', '', 'b.test', 'ann@a.test', '&c@d.test'];
};

const callers: readonly Caller[] = [
  {
    name: 'qmail-smtpd',
    args: () => [],
    input: SMTP,
    never: [0, '\r\n554 no spam here (#5.7.1)\r\n'],
    later: [0, '\r\n451 come back later\r\n'],
  },
  {
    name: 'qmail-qmtpd',
    args: () => [],
    input: QMTP,
    never: [0, netstring('Dno spam here (#5.7.1)')],
    later: [0, netstring('Zcome back later')],
  },
  {
    name: 'qmail-qmqpd',
    args: () => [],
    input: QMQP,
    never: [0, netstring('Dno spam here (#5.7.1)')],
    later: [0, netstring('Zcome back later')],
  },
  program('qmail-inject', ['c@d.test']),
  program('sendmail', ['c@d.test']),
  program('forward', ['c@d.test']),
  program('condredirect', ['c@d.test', 'true']),
  {
    ...program('qmail-local', [], (text) => `Unable to forward message: ${text}.`),
    args: localArguments,
  },
];

test.each(callers)("$name passes on the filter's own words", async (caller) => {
  const { name, args, input } = caller;
  const never = await run(name, args(), input, 'echo "Dno spam here (#5.7.1)" >&6; exit 82');
  expect([never.code, never.out + never.err]).toEqual([
    caller.never[0],
    expect.stringContaining(caller.never[1]),
  ]);
  const later = await run(name, args(), input, 'echo "Zcome back later" >&6; exit 82');
  expect([later.code, later.out + later.err]).toEqual([
    caller.later[0],
    expect.stringContaining(caller.later[1]),
  ]);
});

test.each(callers)('$name takes what is no verdict for a temporary one', async (caller) => {
  const { name, args, input } = caller;
  for (const script of [
    'exit 82',
    'printf D >&6; exit 82',
    'echo spam >&6; exit 82',
    'kill -9 $$',
  ]) {
    const ran = await run(name, args(), input, script);
    expect(ran.code, script).toBe(caller.later[0]);
    expect(ran.out.toString('latin1'), script).not.toMatch(/(?:^|\n)(?:250 ok \d|554|\d+:[KD])/);
  }
});

test.each(callers)(
  '$name has sent the mail when the filter exits 0',
  async ({ name, args, input }) => {
    const ran = await run(name, args(), input, `cat <&1 >"$QMAILHOME/envelope"; exit 0`);
    expect([0, 99]).toContain(ran.code);
  },
);
