// vdeliver, as built: the limits of a user's record, Maildir++'s maildirsize, and the warning before a mailbox is full.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRoot, run } from './lib/run.ts';
import {
  type DeliverOptions,
  DOMAIN,
  MESSAGE,
  makeVirtualDomain,
  type VirtualDomain,
} from './lib/virtual-domain.ts';

let domain: VirtualDomain;
beforeEach(async () => {
  domain = await makeVirtualDomain('vdeliver-quota-');
});
afterEach(() => domain.remove());

/** Bytes of MESSAGE with Return-Path and Delivered-To for "me". */
const STORED =
  MESSAGE.length + `Return-Path: <ann@elsewhere.test>\nDelivered-To: owner-me@${DOMAIN}\n`.length;
const FULL = "vdeliver: Message would exceed virtual user's disk quota. (#5.2.2)\n";
const inBox = (path = '') => join(domain.home, 'users/me', path);
const setting = (name: string, text: string, mode = 0o644) =>
  domain.write(join(domain.home, '.vmailmgr', name), text, mode);
const sizeFile = () => readFileSync(inBox('maildirsize'), 'latin1');
const names = (folder = 'new') => readdirSync(inBox(folder));
const mail = () => names().map((name) => readFileSync(inBox(`new/${name}`), 'latin1'));
const warnings = () => mail().filter((text) => text.includes('Auto-Submitted: auto-generated\n'));

async function add(...options: string[]): Promise<void> {
  expect(await domain.tool('vadduser', ['-P', ...options, 'me'])).toMatchObject({ code: 0 });
}

async function deliver(options: DeliverOptions = {}): Promise<[number | null, string]> {
  const { code, out, err } = await domain.deliver('me', options);
  expect(err).toBe('');
  return [code, out];
}
const OK: [number, string] = [0, ''];

describe('a limit of the record', () => {
  test('on the size of a message bounces what is larger, for a forward too', async () => {
    await add('-z', String(MESSAGE.length));
    expect(await deliver()).toEqual(OK);
    expect(await deliver({ message: `${MESSAGE}x` })).toEqual([
      100,
      'vdeliver: Sorry, this message is larger than the current maximum message size limit. (#5.2.3)\n',
    ]);
    await domain.tool('vadduser', ['-P', '-D', '-f', 'x@y.test', '-z', '3', 'all']);
    expect((await domain.deliver('all')).code).toBe(100);
    expect(names()).toHaveLength(1);
  });

  test('on their number bounces the next, until one is gone and the count has been found old', async () => {
    setting('quota-warnings', '');
    await add('-c', '2');
    expect([await deliver(), await deliver()]).toEqual([OK, OK]);
    const refused = [
      100,
      'vdeliver: Sorry, the person you sent this message has too many messages stored in the mailbox. (#5.2.2)\n',
    ];
    expect([await deliver(), await deliver()]).toEqual([refused, refused]);
    expect(sizeFile()).toBe(`2C\n${`${2 * STORED} 2`.padStart(13)}\n`);
    rmSync(inBox(`new/${names()[0]}`));
    await run('touch', ['-d', '16 minutes ago', inBox('maildirsize')]);
    expect(await deliver()).toEqual(OK);
    expect([await deliver(), names().length]).toEqual([refused, 2]);
  });

  test('on their bytes: hard, and soft alone, to the byte', async () => {
    setting('quota-warnings', '');
    await add('-q', String(2 * STORED));
    expect([await deliver(), await deliver(), await deliver()]).toEqual([OK, OK, [100, FULL]]);
    expect(names()).toHaveLength(2);
    expect(names().every((name) => name.endsWith(`,S=${STORED}`))).toBe(true);
    await domain.tool('vdeluser', ['me']);
    await add('-Q', String(STORED));
    expect([await deliver(), await deliver()]).toEqual([OK, [100, FULL]]);
  });

  test('between soft and hard only small messages are taken, with a warning', async () => {
    await add('-Q', '100000', '-q', '5000');
    expect(await deliver({ message: `${'x'.repeat(6000)}\n` })).toEqual([
      100,
      "vdeliver: Message would exceed virtual user's soft quota; a small message would still be taken. (#5.2.2)\n",
    ]);
    expect(await deliver({ message: `${'x'.repeat(3000)}\n` })).toEqual(OK);
    expect(warnings()).toEqual([]);
    expect(await deliver({ message: `${'x'.repeat(3000)}\n` })).toEqual(OK);
    expect(warnings()).toHaveLength(1);
    setting('quota-softsize', '10000');
    expect(await deliver({ message: `${'x'.repeat(6000)}\n` })).toEqual(OK);
    expect(warnings()).toHaveLength(1);
  });

  test('of nothing refuses everything, and 8 GiB is no limit of 32 bits', async () => {
    await add('-Q', String(8 * 2 ** 30));
    expect(await deliver()).toEqual(OK);
    expect(sizeFile().startsWith(`${8 * 2 ** 30}S\n`)).toBe(true);
    await domain.tool('vdeluser', ['me']);
    setting('default-hardquota', '0');
    await add();
    expect(await deliver()).toEqual([100, FULL]);
  });
});

describe('maildirsize', () => {
  test('is neither there nor needed without a limit; one of maildirmake is kept to', async () => {
    await add();
    expect(await deliver()).toEqual(OK);
    expect(readdirSync(inBox()).sort()).toEqual(['cur', 'new', 'tmp']);
    expect((await domain.tool('maildirmake', ['-q', `${2 * STORED}S`, inBox()])).code).toBe(0);
    expect([await deliver(), await deliver()]).toEqual([OK, [100, FULL]]);
    expect(sizeFile().split('\n')[0]).toBe(`${2 * STORED}S`);
  });

  test('goes with the limits of the record, and follows them', async () => {
    setting('quota-warnings', '');
    await add('-Q', String(STORED));
    expect(await deliver()).toEqual(OK);
    expect((await domain.tool('vchattr', ['--hardquota', String(2 * STORED), 'me'])).err).toBe('');
    expect([await deliver(), await deliver()]).toEqual([OK, [100, FULL]]);
    expect((await domain.tool('vchattr', ['--hardquota', '--', '-', 'me'])).err).toBe('');
    expect(await deliver()).toEqual(OK);
    expect(readdirSync(inBox()).sort()).toEqual(['cur', 'new', 'tmp']);
  });

  test('a delivery looks at no message: it costs two lines, not the mailbox', async () => {
    await add('-Q', '1000000');
    expect(await deliver()).toEqual(OK);
    // Nobody told maildirsize of these; only a count would see them.
    for (let n = 0; n < 50; n++) writeFileSync(inBox(`cur/${n}:2,S`), 'x'.repeat(100_000));
    expect(await deliver()).toEqual(OK);
    expect(sizeFile()).toBe(
      `1000000S\n${'0 0'.padStart(13)}\n${`${STORED} 1`.padStart(13)}\n${`${STORED} 1`.padStart(13)}\n`,
    );
  });

  test.each(['', '\0\0\0', 'x\ny\n', `99S\n${'          9 9\n'.repeat(500)}`, '10S\n-5 -5\n'])(
    'that is %j is made anew, and no mail waits for it',
    async (text) => {
      await add('-Q', '100000');
      domain.write(inBox('maildirsize'), text);
      expect(await deliver()).toEqual(OK);
      expect(await deliver()).toEqual(OK);
      expect(sizeFile().split('\n').slice(0, 1)).toEqual(['100000S']);
    },
  );

  test('that cannot be written or replaced keeps the quota, and no mail back', async () => {
    await add('-Q', String(2 * STORED));
    mkdirSync(inBox('maildirsize'));
    expect([await deliver(), await deliver(), await deliver()]).toEqual([OK, OK, [100, FULL]]);
    expect(readdirSync(inBox('tmp'))).toEqual([]);
  });

  test('twenty deliveries at a time are all in it', async () => {
    await add('-Q', '10000000');
    expect(await deliver()).toEqual(OK);
    const message = join(domain.home, 'message');
    domain.write(message, MESSAGE);
    const script = 'for i in 1 2 3 4; do vdeliver <"$HOME/message" & done; wait';
    const env = {
      ...domain.env,
      EXT: 'me',
      HOST: DOMAIN,
      SENDER: '',
      UFLINE: '',
      RPLINE: 'R: \n',
      DTLINE: 'D: \n',
    };
    for (let round = 0; round < 5; round++)
      await run('sh', ['-c', script], { env, uid: domain.uid, gid: domain.gid });
    expect(names()).toHaveLength(21);
    const lines = sizeFile().split('\n').slice(1, -1);
    const sum = lines.map((line) => Number(line.trim().split(' ')[1])).reduce((a, b) => a + b, 0);
    expect([lines.length, sum]).toEqual([22, 21]);
  });
});

describe('the warning', () => {
  test('comes once for each percentage, and says how full it is', async () => {
    await add('-c', '20');
    for (let n = 0; n < 15; n++) expect(await deliver()).toEqual(OK);
    expect(warnings()).toEqual([]);
    expect(await deliver()).toEqual(OK);
    const [warning = ''] = warnings();
    expect(warning).toMatch(
      /^Return-Path: <>\nDate: .* -0000\nMessage-ID: <[^>]+@dom\.test>\nFrom: <postmaster@dom\.test>\nTo: <me@dom\.test>\nSubject: Your mailbox is 80 per cent full\n/,
    );
    expect(warning).toContain('holds 16 messages of at most 20 messages');
    expect(sizeFile().split('\n').slice(1, -1)).toHaveLength(18);
    // The warning is the 17th message, so two more make 19 of 20.
    expect([await deliver(), await deliver()]).toEqual([OK, OK]);
    expect(warnings()).toHaveLength(2);
    expect((await deliver())[0]).toBe(100);
    expect(warnings()).toHaveLength(2);
  });

  test("is the domain's text, at its percentages; a text that is wrong is not used", async () => {
    setting('quota-warnings', '# of a hundred\n30\n60%\n');
    setting(
      'quota-warning.txt',
      'Subject: %USER%: %PERCENT%\nFrom: Help <help@dom.test>\n\n%USED% %QUOTA% %OTHER%\n',
    );
    await add('-c', '3');
    expect(await deliver()).toEqual(OK);
    const [warning = ''] = warnings();
    expect(warning).toContain('\nSubject: me: 33\n');
    expect(warning).toContain('\nFrom: Help <help@dom.test>\n');
    expect(warning.endsWith('\n\n1 messages 3 messages %OTHER%\n')).toBe(true);
    setting('quota-warning.txt', 'Bcc: x@y.test\n\nx\n');
    const [code, out] = await deliver();
    expect([code, out.includes("a reply's Bcc is not for the text to say")]).toEqual([0, true]);
    expect(warnings()).toHaveLength(2);
  });

  test('does not come when there are no percentages', async () => {
    setting('quota-warnings', '');
    await add('-c', '1');
    expect(await deliver()).toEqual(OK);
    expect(warnings()).toEqual([]);
  });
});

describe('a predeliver hook', () => {
  const hook = (script: string) => setting('vdeliver-predeliver', `#!/bin/sh\n${script}\n`, 0o755);

  test('that runs vcheckquota is the one who checks; any other does not change the quota', async () => {
    await add('-c', '1');
    hook('exit 0 # no vcheckquota here: the word is enough');
    expect([await deliver(), await deliver()]).toEqual([OK, OK]);
    expect(existsSync(inBox('maildirsize'))).toBe(false);
    hook('exit 0');
    expect((await deliver())[0]).toBe(100);
    hook('exit 99');
    expect(await deliver()).toEqual([99, '']);
  });

  test('the setting quota-by says who it is', async () => {
    await add('-c', '1');
    expect(await deliver()).toEqual(OK);
    hook(': vcheckquota');
    setting('quota-by', 'vdeliver');
    expect((await deliver())[0]).toBe(100);
    hook('exit 0');
    setting('quota-by', 'hook');
    expect(await deliver()).toEqual(OK);
    setting('quota-by', 'somebody');
    expect(await deliver()).toEqual([
      111,
      'vdeliver: the setting quota-by is none of auto, hook, vdeliver\n',
    ]);
  });
});

test.runIf(isRoot)(
  'a disk that fills up between message and maildirsize loses neither mail nor quota (needs root, for a small tmpfs)',
  async () => {
    await add('-Q', '1000000');
    rmSync(inBox(), { recursive: true });
    mkdirSync(inBox());
    const owner = `size=48k,uid=${domain.uid},gid=${domain.gid}`;
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', owner, 'tmpfs', inBox()]);
    if (mounted.code !== 0) return; // a container that may not mount
    try {
      for (const sub of ['new', 'cur', 'tmp'])
        await run('mkdir', [inBox(sub)], { uid: domain.uid, gid: domain.gid });
      let delivered = 0;
      for (let n = 0; n < 20; n++) {
        const [code] = await deliver();
        expect([0, 111]).toContain(code);
        if (code === 0) delivered++;
        expect(names()).toHaveLength(delivered);
      }
      expect(delivered).toBeGreaterThan(5);
      expect(delivered).toBeLessThan(20);
      for (const name of names()) rmSync(inBox(`new/${name}`));
      expect(await deliver()).toEqual(OK);
      expect(readdirSync(inBox('tmp'))).toEqual([]);
    } finally {
      await run('umount', [inBox()]);
    }
  },
);
