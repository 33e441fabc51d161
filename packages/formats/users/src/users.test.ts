import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCdb, openCdb } from '@q/cdb';
import { Permanent, Temporary } from '@q/fault';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type AccountLookup,
  compileAssign,
  decodeAssignment,
  encodeAssignment,
  getpwRule,
  lookupAssignment,
  matchAssignment,
  openUsersCdb,
  qmailIds,
} from './index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'users-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function tableOf(assign: string) {
  const path = join(dir, 'cdb');
  writeFileSync(path, encodeCdb(compileAssign(assign)));
  const cdb = openCdb(path);
  if (cdb === undefined) throw new Error('no cdb');
  return cdb;
}

const ASSIGN = `=joe:joe:1001:1002:/home/joe:::
+joe-:joe:1001:1002:/home/joe:-::
+joe-lists-:list:1003:1003:/home/list:-:pre-:
=Info:info:1004:1004:/home/info::first:
=info:other:1005:1005:/home/other::second:
+web.:web:1006:1006:/home/web:-/::
+:alias:1000:1000:/var/qmail/alias:-::
.
anything may follow
`;

describe('users/cdb', () => {
  test.each([
    ['joe', 'joe', '', ''],
    ['JOE', 'joe', '', ''],
    ['joe-', 'joe', '-', ''],
    ['Joe-Some-Thing', 'joe', '-', 'Some-Thing'],
    ['joe-lists-A-b', 'list', '-', 'pre-A-b'],
    ['joe-lists', 'joe', '-', 'lists'],
    ['info', 'info', '', 'first'],
    ['web.site', 'web', '-/', 'site'],
    ['webmaster', 'alias', '-', 'webmaster'],
    ['joey', 'alias', '-', 'joey'],
    ['', 'alias', '-', ''],
  ])('%j goes to %s with dash %j and extension %j', (local, user, dash, ext) => {
    const cdb = tableOf(ASSIGN);
    expect(lookupAssignment(cdb, local)).toMatchObject({ user, dash, ext });
    cdb.close();
  });

  test('without a catch-all, what nothing matches is nobody’s', () => {
    const cdb = tableOf('=joe:joe:1:2:/h:::\n.\n');
    expect(lookupAssignment(cdb, 'jane')).toBeUndefined();
    expect(lookupAssignment(cdb, 'joe-x')).toBeUndefined();
    expect(lookupAssignment(cdb, 'joe\0')).toBeUndefined();
    cdb.close();
  });

  test('a prefix in upper case catches addresses in any case', () => {
    const cdb = tableOf('+ListX:list:1:2:/h:-::\n.\n');
    expect(lookupAssignment(cdb, 'listxABC')).toMatchObject({ ext: 'ABC' });
    cdb.close();
  });

  test('the match tells an exact address, a wildcard and the catch-all apart', () => {
    const cdb = tableOf(ASSIGN);
    expect(matchAssignment(cdb, 'joe')?.prefix).toBeUndefined();
    expect(matchAssignment(cdb, 'JOE-x')?.prefix).toBe('joe-');
    expect(matchAssignment(cdb, 'nobody')?.prefix).toBe('');
    cdb.close();
  });

  test('a prefix counts only when it ends in a terminator of the table', () => {
    const path = join(dir, 'cdb');
    writeFileSync(
      path,
      encodeCdb([
        ['!jo', 'x\x001\x001\0/\0-\0'],
        ['!joe-', 'y\x001\x001\0/\0-\0'],
        ['', '-'],
      ]),
    );
    const cdb = openCdb(path);
    expect(cdb && lookupAssignment(cdb, 'joe')).toBeUndefined();
    expect(cdb && lookupAssignment(cdb, 'joe-a')?.user).toBe('y');
    cdb?.close();
  });

  test('a table that cannot be trusted is a temporary trouble with exit 117', () => {
    mkdirSync(join(dir, 'users'));
    expect(openUsersCdb(dir)).toBeUndefined();
    writeFileSync(join(dir, 'users', 'cdb'), 'short');
    expect(() => openUsersCdb(dir)).toThrow(expect.objectContaining({ exitCode: 117 }));
    writeFileSync(join(dir, 'users', 'cdb'), encodeCdb([['!a\0', 'a']]));
    const noTerminators = openUsersCdb(dir);
    expect(() => noTerminators && lookupAssignment(noTerminators, 'a')).toThrow(
      expect.objectContaining({ exitCode: 117 }),
    );
    noTerminators?.close();
    writeFileSync(
      join(dir, 'users', 'cdb'),
      encodeCdb([
        ['!a\0', 'a\0not a number\0'],
        ['', ''],
      ]),
    );
    const malformed = openUsersCdb(dir);
    expect(() => malformed && lookupAssignment(malformed, 'a')).toThrow(Temporary);
    malformed?.close();
  });

  test('every address finds the longest prefix that was assigned, whatever the table', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'B', '-', '.'), maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 6 }),
        fc.array(word, { maxLength: 6 }),
        word,
        (simple, wild, local) => {
          const cdb = tableOf(
            [
              ...simple.map((name) => `=${name}:u:1:1:/h::=${name}:\n`),
              ...wild.map((name) => `+${name}:u:1:1:/h:-:+${name}|:\n`),
              '.\n',
            ].join(''),
          );
          const same = (a: string) => a.toLowerCase() === local.toLowerCase();
          const exact = simple.find(same);
          const fits = (p: string) => local.toLowerCase().startsWith(p.toLowerCase());
          const longest = Math.max(-1, ...wild.filter(fits).map((p) => p.length));
          const prefix = wild.find((p) => fits(p) && p.length === longest);
          const expected =
            exact !== undefined
              ? `=${exact}`
              : prefix !== undefined
                ? `+${prefix}|${local.slice(prefix.length)}`
                : undefined;
          expect(lookupAssignment(cdb, local)?.ext).toBe(expected);
          cdb.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('users/assign', () => {
  test('compiles to keys and data as qmail-newu does', () => {
    expect(compileAssign(ASSIGN).map(([key, data]) => [`${key}`, `${data}`])).toEqual([
      ['!joe\0', 'joe\x001001\x001002\0/home/joe\0\0'],
      ['!joe-', 'joe\x001001\x001002\0/home/joe\0-\0'],
      ['!joe-lists-', 'list\x001003\x001003\0/home/list\0-\0pre-'],
      ['!info\0', 'info\x001004\x001004\0/home/info\0\0first'],
      ['!info\0', 'other\x001005\x001005\0/home/other\0\0second'],
      ['!web.', 'web\x001006\x001006\0/home/web\0-/\0'],
      ['!', 'alias\x001000\x001000\0/var/qmail/alias\0-\0'],
      ['', '-.'],
    ]);
  });

  test.each([
    ['=a:a:1:1:/h:::\n', 'it does not end with a line holding a dot'],
    ['', 'it does not end with a line holding a dot'],
    ['=a:a:1:1:/h::\n.\n', 'line 1 has too few fields'],
    ['=a:a:1:1:/h:::\n\n.\n', 'line 2 has too few fields'],
    [':a:1:1:/h:::\n.\n', 'line 1 begins with neither = nor +'],
    ['=a\0:a:1:1:/h:::\n.\n', 'line 1 contains a NUL'],
    ['# x:a:1:1:/h:::\n.\n', 'line 1 begins with neither = nor +'],
  ])('%j is refused with exit 111', (text, why) => {
    expect(() => compileAssign(text)).toThrow(`bad format in users/assign: ${why}`);
    expect(() => compileAssign(text)).toThrow(expect.objectContaining({ exitCode: 111 }));
  });
});

describe('an assignment', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '-', '/', '\xe9', ' ', '\n') });
  test('survives its six fields, and each strict prefix of them is refused', () => {
    fc.assert(
      fc.property(
        fc.record({
          user: text,
          uid: fc.nat(0xfffffffe),
          gid: fc.nat(0xfffffffe),
          home: text,
          dash: text,
          ext: text,
        }),
        (assignment) => {
          const bytes = encodeAssignment(assignment);
          expect(decodeAssignment(bytes)).toEqual(assignment);
          for (let cut = 0; cut < bytes.length; cut++)
            expect(() => decodeAssignment(bytes.subarray(0, cut))).toThrow(Temporary);
        },
      ),
    );
  });

  test.each(['', '-1', '4294967295', '99999999999', '0x10', '1 '])(
    'the uid %j is refused',
    (uid) => {
      expect(() => decodeAssignment(Buffer.from(`u\0${uid}\x001\0/\0\0\0`))).toThrow(Temporary);
    },
  );
});

describe('the getpw rule', () => {
  const accounts: Record<string, { uid: number; owner?: number | string }> = {
    alias: { uid: 7790 },
    joe: { uid: 1001 },
    'joe-work': { uid: 1002 },
    root: { uid: 0 },
    homeless: { uid: 1003, owner: 'ENOENT' },
    nfs: { uid: 1004, owner: 'ESTALE' },
    squatter: { uid: 1005, owner: 0 },
  };
  const lookup: AccountLookup = {
    getpwnam: (name) => {
      const found = accounts[name];
      return found && { name, uid: found.uid, gid: found.uid, home: `/home/${name}` };
    },
    ownerOf: (path) => {
      const found = accounts[path.slice('/home/'.length)];
      const owner = found?.owner ?? found?.uid;
      if (typeof owner === 'string') throw Object.assign(new Error(owner), { code: owner });
      return owner ?? -1;
    },
  };

  test.each([
    ['joe', 'joe', '', ''],
    ['JOE', 'joe', '', ''],
    ['joe-Lists-a', 'joe', '-', 'Lists-a'],
    ['joe-work-x', 'joe-work', '-', 'x'],
    ['joe-', 'joe', '-', ''],
    ['root', 'alias', '-', 'root'],
    ['root-x', 'alias', '-', 'root-x'],
    ['homeless', 'alias', '-', 'homeless'],
    ['squatter', 'alias', '-', 'squatter'],
    ['-joe', 'alias', '-', '-joe'],
    ['', 'alias', '-', ''],
    ['j\xf6e', 'alias', '-', 'j\xf6e'],
    [`${'j'.repeat(32)}-x`, 'alias', '-', `${'j'.repeat(32)}-x`],
  ])('%j goes to %s with dash %j and extension %j', (local, user, dash, ext) => {
    expect(getpwRule(local, lookup)).toMatchObject({ user, dash, ext });
  });

  test('a home that cannot be looked at now delays the mail, it does not divert it', () => {
    expect(() => getpwRule('nfs-x', lookup)).toThrow(expect.objectContaining({ exitCode: 115 }));
    expect(() => getpwRule('nfs-x', lookup)).toThrow(Temporary);
  });

  test('a user database out of reach is exit 118, a missing alias user exit 116', () => {
    const down: AccountLookup = {
      ...lookup,
      getpwnam: () => {
        throw new Temporary('EAGAIN');
      },
    };
    expect(() => getpwRule('x', down)).toThrow(expect.objectContaining({ exitCode: 118 }));
    const nobody: AccountLookup = { ...lookup, getpwnam: () => undefined };
    expect(() => getpwRule('x', nobody)).toThrow(expect.objectContaining({ exitCode: 116 }));
  });
});

describe('the qmail ids', () => {
  const lookup = {
    getpwnam: (name: string) => ({ uid: 100 + name.length }),
    getgrnam: (name: string) => ({ gid: 200 + name.length }),
    egid: () => 555,
  };

  test.runIf(process.getuid?.() === 0)(
    'a tree that belongs to the caller, queue included, is a private instance (needs root to chown)',
    () => {
      mkdirSync(join(dir, 'queue'));
      chownSync(dir, 1234, 1234);
      chownSync(join(dir, 'queue'), 1234, 1234);
      const ids = qmailIds(dir, 1234, lookup);
      expect(ids).toMatchObject({ single: true, qmailq: 1234, alias: 1234, qmail: 555 });
      expect(qmailIds(dir, 4321, lookup).single).toBe(false);
    },
  );

  test.runIf(process.getuid?.() === 0)(
    'qmailq of a real host, who owns the queue alone, is not taken for one (needs root to chown)',
    () => {
      mkdirSync(join(dir, 'queue'));
      chownSync(join(dir, 'queue'), 106, 1);
      expect(qmailIds(dir, 106, lookup)).toMatchObject({ single: false, qmailq: 106, qmail: 205 });
    },
  );

  test('root never owns a private instance, and a missing account is named', () => {
    mkdirSync(join(dir, 'queue'));
    expect(qmailIds(dir, 0, lookup).single).toBe(false);
    const without = {
      ...lookup,
      getpwnam: (name: string) => (name === 'qmailr' ? undefined : { uid: 1 }),
    };
    expect(() => qmailIds(dir, 0, without)).toThrow(
      'there is no user qmailr: run qmail-ts setup or create it',
    );
    expect(() => qmailIds(dir, 0, without)).toThrow(Temporary);
  });
});

test('a bad users/assign is permanent: no retry makes it well', () => {
  expect(() => compileAssign('x')).toThrow(Permanent);
});
