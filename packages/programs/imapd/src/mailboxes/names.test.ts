import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { deliver, makeMaildir, type TestClient, TestHost } from './testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

const COURIER = { IMAP_NAMESPACE: 'courier' };

async function answer(client: TestClient, command: string): Promise<string> {
  return (await client.say(command)).at(-1) ?? '';
}

/** All directories below the one that the Maildir is in. */
function directories(root: string): string[] {
  return readdirSync(dirname(root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

describe('names that lead out of the Maildir are refused by every command (J1)', () => {
  const MODERN = [
    '../../etc',
    '/etc/passwd',
    'a/../../b',
    'a//b',
    'a/',
    '/',
    '..',
    '.',
    'x.y',
    '&AC8-x',
    '&AC4ALgAv-x',
  ];
  const CLASSIC = ['INBOX.a/../../b', 'INBOX...b', 'INBOX..b', 'INBOX.&AC8-x', 'x', '~root'];
  const COMMANDS = [
    (name: string) => `SELECT ${name}`,
    (name: string) => `DELETE ${name}`,
    (name: string) => `RENAME ${name} New`,
    (name: string) => `RENAME Old ${name}`,
    (name: string) => `SUBSCRIBE ${name}`,
    (name: string) => `STATUS ${name} (MESSAGES)`,
    (name: string) => `GETACL ${name}`,
    (name: string) => `SETMETADATA ${name} (/private/comment "x")`,
  ];

  test.each([
    ['modern', MODERN, 'Old'],
    ['courier', CLASSIC, 'INBOX.Old'],
  ])('%s', async (namespace, names, _old) => {
    const root = makeMaildir(['Old']);
    const before = directories(root);
    const client = await host.client(root, { IMAP_NAMESPACE: namespace });
    for (const name of names)
      for (const command of COMMANDS) {
        const said = await answer(client, command(`"${name}"`));
        expect(said, command(name)).toMatch(/^(?:NO \[(?:CANNOT|NONEXISTENT)\]|BAD)/);
      }
    for (const name of names.filter((one) => !one.endsWith('/')))
      expect(await answer(client, `CREATE "${name}"`), name).toMatch(/^(?:NO \[CANNOT\]|BAD)/);
    expect(directories(root)).toEqual(before);
    await client.say(`LIST "../../" *`);
    expect(await client.say('LIST "/etc/" *')).toEqual(['OK LIST completed']);
  });

  test('a link in the place of a folder is none', async () => {
    const root = makeMaildir();
    const outside = makeMaildir();
    deliver(outside);
    symlinkSync(outside, join(root, '.Link'));
    const client = await host.client(root);
    expect(await answer(client, 'SELECT Link')).toMatch(/^NO \[NONEXISTENT\]/);
    expect(await client.say('LIST "" *')).not.toContainEqual(expect.stringContaining('Link'));
  });

  test('what looks encoded, and is not, is a name as any other', async () => {
    const client = await host.client(makeMaildir());
    expect(await answer(client, 'CREATE "~root"')).toMatch(/^OK/);
    expect(await answer(client, 'CREATE "a%2e%2e"')).toMatch(/^NO \[CANNOT\]/);
  });
});

describe('names that are something else in a Maildir (J2)', () => {
  test.each(['cur', 'new', 'tmp', 'courierimapuiddb', 'maildirfolder'])('%s', async (name) => {
    const root = makeMaildir();
    const client = await host.client(root);
    expect(await answer(client, `CREATE ${name}`)).toMatch(/^OK/);
    expect(lstatSync(join(root, `.${name}`)).isDirectory()).toBe(true);
    expect(await answer(client, `DELETE ${name}`)).toMatch(/^OK/);
    expect(existsSync(join(root, 'cur'))).toBe(true);
  });

  test.each(['*', 'a%', 'a*b'])('%s is no name, as LIST could not ask for it', async (name) => {
    const client = await host.client(makeMaildir());
    expect(await answer(client, `CREATE "${name}"`)).toMatch(/^(?:NO \[CANNOT\]|BAD)/);
  });

  test('INBOX is INBOX in any case, and cannot be made or removed', async () => {
    const client = await host.client(makeMaildir(['x']), COURIER);
    expect(await answer(client, 'CREATE inbox')).toMatch(/^NO \[ALREADYEXISTS\]/);
    expect(await answer(client, 'DELETE InBoX')).toMatch(/^NO \[CANNOT\]/);
    expect(await answer(client, 'SELECT iNBOX')).toMatch(/^OK/);
    expect(await answer(client, 'STATUS InBoX.x (MESSAGES)')).toMatch(/^OK/);
  });
});

describe('modified UTF-7 that is none is BAD, and one folder has one name (J3)', () => {
  test.each(['&Jjo!', '&Jjo', '&AGE-', '&2AA-', '&AAE-', '&AH8-', '&ICg-', 'x\x01y', '&AEE'])(
    '%s',
    async (name) => {
      const root = makeMaildir();
      const client = await host.client(root);
      const said = await answer(client, `CREATE {${name.length}}\r\n${name}`);
      expect(said).toMatch(/^(?:BAD|NO \[CANNOT\])/);
      expect(readdirSync(root).filter((entry) => entry.startsWith('.'))).toEqual([]);
    },
  );

  test('& is written &-, and both forms of an accent are one name', async () => {
    const root = makeMaildir();
    const client = await host.client(root);
    expect(await answer(client, 'CREATE A&-B')).toMatch(/^OK/);
    expect(await answer(client, 'CREATE &AOk-')).toMatch(/^OK/);
    expect(await answer(client, 'CREATE e&AwE-')).toMatch(/^NO \[ALREADYEXISTS\]/);
    expect(readdirSync(root)).toEqual(expect.arrayContaining(['.A&B', '.\u00e9']));
    expect(await client.say('LIST "" A*')).toContain('* LIST (\\HasNoChildren) "/" A&-B');
  });
});

describe('long names (J4)', () => {
  test.each([
    ['300 bytes', 'a'.repeat(300)],
    ['500 levels', Array.from({ length: 500 }, () => 'a').join('/')],
    ['10,000 bytes', 'a'.repeat(10_000)],
  ])('%s are refused in few words', async (_what, name) => {
    const client = await host.client(makeMaildir());
    for (const command of [`CREATE ${name}`, `RENAME INBOX ${name}`, `SELECT ${name}`]) {
      const said = await answer(client, command);
      expect(said).toMatch(/^(?:NO \[LIMIT\]|BAD) /);
      expect(said.length).toBeLessThan(80);
    }
  });
});

describe('names are read by the form that is enabled (J16)', () => {
  test('8-bit letters need UTF8=ACCEPT, and then & is a letter', async () => {
    const root = makeMaildir();
    const client = await host.client(root);
    expect(await answer(client, 'CREATE "T\xc3\xa9st"')).toMatch(/^BAD/);
    await client.say('ENABLE UTF8=ACCEPT');
    expect(await answer(client, 'CREATE "T\xc3\xa9st"')).toMatch(/^OK/);
    expect(await answer(client, 'CREATE "T\xe9st"')).toMatch(/^BAD/);
    expect(await answer(client, 'CREATE "T\xc3"')).toMatch(/^BAD/);
    expect(await answer(client, 'CREATE "&Jjo!"')).toMatch(/^OK/);
    expect(readdirSync(root)).toEqual(expect.arrayContaining(['.Tést', '.&Jjo!']));
  });
});

describe('CREATE', () => {
  test('answers with the identity, which STATUS tells too', async () => {
    const client = await host.client(makeMaildir());
    const said = await answer(client, 'CREATE Plans/2026');
    const id = /^OK \[MAILBOXID \(([A-Za-z0-9_-]+)\)\]/.exec(said)?.[1];
    expect(await client.say('STATUS Plans/2026 (MAILBOXID)')).toEqual([
      `* STATUS Plans/2026 (MAILBOXID (${id}))`,
      'OK STATUS completed',
    ]);
  });

  test('takes a separator at the end for what it says: that more will come below', async () => {
    const client = await host.client(makeMaildir());
    expect(await answer(client, 'CREATE Plans/')).toMatch(/^OK/);
    expect(await answer(client, 'CREATE Plans')).toMatch(/^NO \[ALREADYEXISTS\]/);
  });

  test('gives special uses, each to one', async () => {
    const client = await host.client(makeMaildir());
    expect(await answer(client, 'CREATE Alt (USE (\\Archive))')).toMatch(/^OK/);
    expect(await client.say('LIST (SPECIAL-USE) "" *')).toEqual([
      '* LIST (\\HasNoChildren \\Archive) "/" Alt',
      'OK LIST completed',
    ]);
    expect(await answer(client, 'CREATE Other (USE (\\Archive))')).toMatch(/^NO \[USEATTR\]/);
    expect(await answer(client, 'CREATE Other (USE (\\Nonsense))')).toMatch(/^NO \[USEATTR\]/);
    expect(await answer(client, 'SELECT Other')).toMatch(/^NO/);
  });

  test('tells a client of IMAP4rev2 the name that it has', async () => {
    const client = await host.client(makeMaildir());
    await client.say('ENABLE IMAP4rev2');
    expect((await client.say('CREATE "e\xcc\x81"'))[0]).toBe(
      '* LIST () "/" "\xc3\xa9" ("OLDNAME" ("e\xcc\x81"))',
    );
  });
});

describe('DELETE', () => {
  test('leaves what is below, and the subscription', async () => {
    const root = makeMaildir(['a', 'a.b']);
    const client = await host.client(root);
    await client.say('SUBSCRIBE a');
    expect(await answer(client, 'DELETE a')).toMatch(/^OK/);
    expect(await client.say('LIST "" a*')).toEqual([
      '* LIST (\\Noselect \\HasChildren) "/" a',
      '* LIST (\\HasNoChildren) "/" a/b',
      'OK LIST completed',
    ]);
    expect((await client.say('LSUB "" *'))[0]).toMatch(/ a$/);
    expect(await answer(client, 'DELETE a')).toMatch(/^NO \[(?:NONEXISTENT|HASCHILDREN)\]/);
  });

  test('of the selected mailbox closes it', async () => {
    const client = await host.client(makeMaildir(['a']));
    await client.say('SELECT a');
    expect(await client.say('DELETE a')).toEqual([
      '* OK [CLOSED] The mailbox is no longer selected',
      'OK DELETE completed',
    ]);
    expect(await answer(client, 'FETCH 1 FLAGS')).toMatch(/^BAD/);
  });

  test('ends sessions of others that have it selected; made anew it is another (J13)', async () => {
    const root = makeMaildir(['a']);
    deliver(join(root, '.a'));
    const [one, other] = [await host.client(root), await host.client(root)];
    const id = (await other.say('STATUS a (MAILBOXID UIDVALIDITY)'))[0];
    await other.say('SELECT a');
    await one.say('DELETE a');
    await one.say('CREATE a');
    await expect(other.say('FETCH 1 BODY.PEEK[]')).rejects.toThrow('* BYE');
    expect(await one.say('STATUS a (MESSAGES)')).toContain('* STATUS a (MESSAGES 0)');
    expect((await one.say('STATUS a (MAILBOXID UIDVALIDITY)'))[0]).not.toBe(id);
  });
});

describe('RENAME', () => {
  test('takes along what is below, annotations and access lists, and keeps identities', async () => {
    const root = makeMaildir(['a', 'a.b']);
    const client = await host.client(root);
    await client.say('SETMETADATA a (/private/comment "mine")');
    await client.say('SETACL a bob lr');
    const id = (await client.say('STATUS a (MAILBOXID UIDVALIDITY)'))[0];
    expect(await answer(client, 'RENAME a z/y')).toMatch(/^OK/);
    expect(await client.say('LIST "" *')).toEqual([
      '* LIST (\\HasNoChildren) "/" INBOX',
      '* LIST (\\Noselect \\HasChildren) "/" z',
      '* LIST (\\HasChildren) "/" z/y',
      '* LIST (\\HasNoChildren) "/" z/y/b',
      'OK LIST completed',
    ]);
    expect((await client.say('GETMETADATA z/y /private/comment'))[0]).toContain('"mine"');
    expect((await client.say('GETACL z/y'))[0]).toContain(' bob lr');
    expect((await client.say('STATUS z/y (MAILBOXID UIDVALIDITY)'))[0]).toBe(
      id?.replace(' a ', ' z/y '),
    );
  });

  test.each([
    ['RENAME a b', 'ALREADYEXISTS'],
    ['RENAME a a/x', 'CANNOT'],
    ['RENAME nowhere x', 'NONEXISTENT'],
    ['RENAME a INBOX', 'CANNOT'],
    ['RENAME INBOX a', 'ALREADYEXISTS'],
  ])('%s is NO [%s]', async (command, code) => {
    const client = await host.client(makeMaildir(['a', 'b']));
    expect(await answer(client, command)).toContain(`NO [${code}]`);
  });

  test('of INBOX moves its messages, and INBOX stays', async () => {
    const root = makeMaildir();
    deliver(root, 'Subject: one\n\n1\n');
    deliver(root, 'Subject: two\n\n2\n');
    const client = await host.client(root);
    await client.say('SELECT INBOX');
    await client.say('STORE 2 +FLAGS.SILENT (\\Flagged $Note)');
    const lines = await client.say('RENAME INBOX Old');
    expect(lines.at(-1)).toMatch(/^OK/);
    expect(lines.filter((line) => line.endsWith(' EXPUNGE'))).toHaveLength(2);
    expect(await client.say('STATUS INBOX (MESSAGES)')).toContain('* STATUS INBOX (MESSAGES 0)');
    await client.say('SELECT Old');
    const [first, second] = await client.say('FETCH 1:* (FLAGS BODY.PEEK[TEXT])');
    expect(first).toContain('FLAGS (');
    expect(second).toBe('1');
    expect(readdirSync(join(root, 'cur'))).toEqual([]);
    const kept = readdirSync(join(root, '.Old', 'cur')).map((name) =>
      readFileSync(join(root, '.Old', 'cur', name), 'latin1'),
    );
    expect(kept.sort()).toEqual(['Subject: one\n\n1\n', 'Subject: two\n\n2\n']);
  });

  test('a session that has it selected goes on with it (J13)', async () => {
    const root = makeMaildir(['a']);
    deliver(join(root, '.a'), 'Subject: x\n\nbody\n');
    const [one, other] = [await host.client(root), await host.client(root)];
    await other.say('SELECT a');
    expect(await answer(one, 'RENAME a z')).toMatch(/^OK/);
    expect(await other.say('FETCH 1 BODY.PEEK[TEXT]')).toContain('body');
    expect(await answer(other, 'STORE 1 +FLAGS (\\Seen)')).toMatch(/^OK/);
    expect(await one.say('STATUS z (MESSAGES UNSEEN)')).toContain(
      '* STATUS z (MESSAGES 1 UNSEEN 0)',
    );
  });

  test('tells a client of IMAP4rev2 both names', async () => {
    const client = await host.client(makeMaildir(['a', 'a.b']));
    await client.say('ENABLE IMAP4rev2');
    expect(await client.say('RENAME a z')).toEqual([
      '* LIST () "/" z ("OLDNAME" (a))',
      'OK RENAME completed',
    ]);
  });
});

describe('SUBSCRIBE', () => {
  test('is for any name that a mailbox can have, and stands in the file', async () => {
    const root = makeMaildir(['a']);
    const client = await host.client(root);
    await client.say('SUBSCRIBE a');
    await client.say('SUBSCRIBE not/yet');
    expect(readFileSync(join(root, 'courierimapsubscribed'), 'latin1')).toBe(
      'INBOX.a\nINBOX.not.yet\n',
    );
    await client.say('UNSUBSCRIBE a');
    expect(await client.say('LSUB "" *')).toEqual([
      '* LSUB (\\HasNoChildren) "/" not/yet',
      'OK LSUB completed',
    ]);
    mkdirSync(join(root, '.new'));
    expect(await answer(client, 'SUBSCRIBE {5}\r\na\nb\tc')).toMatch(/^(?:BAD|NO \[CANNOT\])/);
  });
});
