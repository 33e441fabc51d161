// A mailbox that is changed under the feet of who reads it: by other sessions, and by others who put files and worse where the
// server has its own; against the running service and one session alone. No message is shown wrong, the session goes on or
// ends, another one is served meanwhile, and nothing is held. Row J13 of the list of attacks, section C.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AttackedHost, THREE } from './lib/imap/attack.ts';
import { isRoot } from './lib/run.ts';

let attacked: AttackedHost;

beforeAll(async () => {
  attacked = await AttackedHost.start();
});
afterAll(() => attacked.remove());
afterEach(() => attacked.goesOn());

describe('J13: what others do to a mailbox while it is read', () => {
  const body = `Subject: large\n\n${'0123456789abcde\n'.repeat(20_000)}`;
  const many = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`16000000${i}.m.test:2,`, body]),
  );
  const all = 'f FETCH 1:* (UID BODY.PEEK[])\n';

  test.each([
    ['DELETE', (folder: string) => `t DELETE ${folder}\n`],
    ['RENAME', (folder: string) => `t RENAME ${folder} Gone${folder}\n`],
    [
      'EXPUNGE',
      (folder: string) => `r SELECT ${folder}\ns STORE 1:* +FLAGS.SILENT (\\Deleted)\nt EXPUNGE\n`,
    ],
  ])('%s', async (name, command) => {
    const folder = `Doomed${name}`;
    attacked.fill(folder, many);
    const reader = await attacked.logIn();
    expect(await reader.say(`s SELECT ${folder}\n`, 's')).toContain('* 60 EXISTS');
    reader.socket.pause();
    reader.send(all);
    expect(await attacked.attacker.say(command(folder), 't')).toMatch(/^t OK/m);
    reader.socket.resume();
    // What could be read before, then the end; or all of it.
    const got = await reader.until(/^f (?:OK|NO).*\r\n|\* BYE .*\r\n/m);
    expect(got).toMatch(/(?:f OK|f NO|\* BYE) .*\r\n$/);
    for (const [, size] of got.matchAll(/BODY\[\] \{([0-9]+)\}/g))
      expect(Number(size)).toBe(body.length + 20_002);
    await attacked.goesOn();
    reader.destroy();
    const after = name === 'RENAME' ? `Gone${folder}` : folder;
    const fresh = await attacked.logIn();
    expect(await fresh.say(`s SELECT ${after}\n`, 's')).toMatch(
      name === 'DELETE' ? /^s NO/m : /^s OK/m,
    );
    fresh.destroy();
  });

  test('message files that vanish are expunged, and the others are read', async () => {
    const dir = attacked.fill('Vanish', many);
    await attacked.answer('SELECT Vanish');
    for (const file of readdirSync(join(dir, 'cur')).slice(0, 30)) rmSync(join(dir, 'cur', file));
    const got = await attacked.answer('UID FETCH 1:* (UID BODY.PEEK[HEADER])');
    expect(got).toMatch(/^t (?:OK|NO) /m);
    expect(got.match(/BODY\[HEADER\] \{18\}/g)).toHaveLength(30);
    const told = got + (await attacked.answer('NOOP'));
    expect(told.match(/^\* [0-9]+ EXPUNGE/gm)).toHaveLength(30);
  });
});

/** What somebody may put where a file of the server's is. */
const OBSTACLES: Readonly<Record<string, (path: string) => void>> = {
  'an empty file': (path) => writeFileSync(path, ''),
  garbage: (path) =>
    writeFileSync(path, '\0\xff9999999999999999999999 -1 /1:1\n'.repeat(500), 'latin1'),
  'a file of a GiB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 2 ** 30);
  },
  'a link to a file of others': (path) => symlinkSync('/etc/passwd', path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a FIFO': (path) => expect(spawnSync('mkfifo', ['-m', '666', path]).status).toBe(0),
  'a device’s link': (path) => symlinkSync('/dev/zero', path),
  'a directory': (path) => mkdirSync(path),
  'a file nobody may read': (path) => {
    writeFileSync(path, 'secret');
    chmodSync(path, 0);
  },
};

describe('J13: in the place of the server’s own files', () => {
  test.each(Object.keys(OBSTACLES))('%s stops nobody', async (what) => {
    const folder = `Odd${Object.keys(OBSTACLES).indexOf(what)}`;
    const dir = attacked.fill(folder, THREE);
    const list = join(dir, 'courierimapkeywords');
    mkdirSync(list);
    attacked.own(list);
    const files = [
      'courierimapuiddb',
      'courierimapkeywords/:list',
      'courierimapacl',
      'maildirfolder',
    ];
    for (const file of files) obstruct(join(dir, file), what);
    const root = ['maildirsize', 'courierimapsubscribed', 'courierimaphieracl'].map((file) =>
      join(attacked.host.maildir('ann'), file),
    );
    for (const path of root) obstruct(path, what);
    try {
      const talks = [await attacked.logIn(), await attacked.oneShot()];
      for (const talk of talks) {
        const got = await talk.say(
          `a SELECT ${folder}\nb FETCH 1:* (UID FLAGS BODY.PEEK[])\nc STORE 1:* +FLAGS (word)\nd LIST "" *\ne LSUB "" *\nf GETQUOTAROOT ${folder}\ng STATUS INBOX (MESSAGES)\n`,
          'g',
        );
        expect(got.match(/^[a-g] (?:OK|NO|BAD)/gm), got).toHaveLength(7);
        expect(got).not.toMatch(/root:|^[a-g] .*\[SERVERBUG\]/m);
        // Its messages are shown, or the mailbox is not.
        if (/^a OK/m.test(got)) expect(got.match(/^\* [0-9]+ FETCH \(UID/gm)).toHaveLength(3);
        talk.destroy();
      }
      await attacked.goesOn();
      attacked.staysSmall();
    } finally {
      for (const path of [...root, ...files.map((file) => join(dir, file))])
        rmSync(path, { force: true, recursive: true });
      await attacked.endOneShots();
    }
    expect(readFileSync('/etc/passwd', 'latin1')).toMatch(/^root:/);
    const after = await attacked.logIn();
    const got = await after.say(
      `a SELECT ${folder}\nb APPEND ${folder} {5+}\na:b\n\nc LOGOUT\n`,
      'c',
    );
    expect(got.match(/^[abc] OK/gm)).toHaveLength(3);
  });

  function obstruct(path: string, what: string): void {
    rmSync(path, { force: true, recursive: true });
    OBSTACLES[what]?.(path);
    if (isRoot && !what.includes('link')) attacked.own(path);
  }
});
