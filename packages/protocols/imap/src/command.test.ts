import { bytesOf } from '@q/bytes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AFTER_LOGIN,
  type CommandPiece,
  CommandReader,
  formatDateTime,
  parseAppendTarget,
  parseCommand,
} from './index.ts';

/** The pieces of the one command in `text`, whose messages are accepted. */
function piecesOf(text: string): readonly CommandPiece[] {
  const reader = new CommandReader(AFTER_LOGIN);
  reader.push(bytesOf(`${text}\r\n`));
  for (;;) {
    const event = reader.next();
    if (event === undefined || event.kind === 'refused') throw new Error(`no command: ${text}`);
    if (event.kind === 'message') reader.accept();
    if (event.kind === 'command') return event.pieces;
  }
}

/** The arguments of `a text`, or the text of its BAD. */
function parse(text: string, utf8 = false): unknown {
  const command = parseCommand(piecesOf(`a ${text}`), utf8);
  expect(command.tag).toBe('a');
  return command.name === undefined ? command.text : command.arguments;
}

const set = (first: number, last = first) => ({
  kind: 'numbers',
  ranges: [[first, last]],
  open: undefined,
});

describe('the beginning', () => {
  test('is a tag and a name in any case', () => {
    expect(parseCommand(piecesOf('A1.x noop'), false)).toEqual({
      name: 'NOOP',
      tag: 'A1.x',
      arguments: {},
    });
    expect(parseCommand(piecesOf('1 uid fetch 1 uid'), false).name).toBe('UID FETCH');
  });

  test.each(['', ' ', '* NOOP', '+ NOOP', '(a NOOP', 'a\x1b NOOP'])('"%s" has no tag', (text) => {
    expect(parseCommand(piecesOf(text), false)).toMatchObject({ name: undefined, tag: undefined });
  });

  test.each(['', ' ', ' NOOP', 'XYZZY', 'UID', 'UID NOOP', 'constructor', '__proto__'])(
    '"a %s" is BAD',
    (text) => {
      expect(parse(text)).toEqual(expect.any(String));
    },
  );

  test('arguments that a command has not are BAD', () => {
    expect(parse('NOOP x')).toBe('Too many arguments');
    expect(parse('NOOP ')).toBe('Too many arguments');
    expect(parse('SELECT x {1}\r\ny')).toEqual(expect.any(String));
  });
});

test("what is BAD says nothing of the client's", () => {
  const token = fc.constantFrom(
    ...'LOGIN FETCH STORE SEARCH LIST APPEND NOTIFY SELECT ( ) [ ] " \\ {1}x 1:* ZQXJ \x1b[2J é < > , 0 % * NIL'.split(
      ' ',
    ),
    ' ',
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 20 }), fc.boolean(), (tokens, utf8) => {
      const command = parseCommand(
        [{ kind: 'text', bytes: bytesOf(`a ${tokens.join('')}`) }],
        utf8,
      );
      if (command.name !== undefined) return;
      expect(command.text).toMatch(/^[\x20-\x7e]{1,80}$/);
      expect(command.text).not.toMatch(/ZQXJ/);
    }),
    { numRuns: 1000 },
  );
});

describe('login', () => {
  test.each([
    ['LOGIN u p', 'u', 'p'],
    ['login "u \\"\\\\" ""', 'u "\\', ''],
    ['LOGIN {3}\r\na b "p]\xe9"', 'a b', 'p]\xe9'],
    ['LOGIN NIL ]', 'NIL', ']'],
  ])('%j', (text, user, password) => {
    expect(parse(text)).toEqual({ user, password });
  });

  test.each([
    'LOGIN u',
    'LOGIN u ',
    'LOGIN  u p',
    'LOGIN u p x',
    'LOGIN "u p',
    'LOGIN "\\u" p',
    'LOGIN u* p',
    'LOGIN ~{1}\r\nu p',
    'LOGIN {-1}',
  ])('%j is BAD', (text) => {
    expect(parse(text)).toEqual(expect.any(String));
  });

  test('a SASL response may come with the command', () => {
    expect(parse('AUTHENTICATE plain AGEA/+8=')).toEqual({
      mechanism: 'PLAIN',
      initial: 'AGEA/+8=',
    });
    expect(parse('AUTHENTICATE EXTERNAL =')).toEqual({ mechanism: 'EXTERNAL', initial: '=' });
    expect(parse('AUTHENTICATE LOGIN')).toEqual({ mechanism: 'LOGIN', initial: undefined });
    expect(parse('AUTHENTICATE PLAIN a!')).toEqual(expect.any(String));
  });

  test('ID is bounded', () => {
    expect(parse('ID ("Name" "x" "os" NIL)')).toEqual({
      fields: new Map([
        ['name', 'x'],
        ['os', undefined],
      ]),
    });
    expect(parse('ID NIL')).toEqual({ fields: new Map() });
    expect(parse(`ID (${Array.from({ length: 31 }, (_, i) => `"k${i}" "v"`).join(' ')})`)).toBe(
      'Too many ID fields',
    );
    expect(parse(`ID ("k" "${'v'.repeat(1025)}")`)).toBe('ID field too long');
  });
});

describe('mailboxes', () => {
  test('are named in modified UTF-7, or UTF-8 when that is enabled', () => {
    expect(parse('DELETE Entw&APw-rfe')).toEqual({ mailbox: 'Entwürfe' });
    expect(parse('DELETE "Entw\xc3\xbcrfe"', true)).toEqual({ mailbox: 'Entwürfe' });
    expect(parse('DELETE &Jjo!', true)).toEqual({ mailbox: '&Jjo!' });
    expect(parse('DELETE iNbOx')).toEqual({ mailbox: 'INBOX' });
    for (const text of ['"Entw\xc3\xbcrfe"', '&Jjo!', '&AGE-', '{2}\r\n\xc3\xbc', 'x'.repeat(3000)])
      expect(parse(`DELETE ${text}`)).toEqual(expect.any(String));
    expect(parse('DELETE "\xfc"', true)).toEqual(expect.any(String));
  });

  test('are selected with what the client knows of them', () => {
    expect(parse('SELECT x (CONDSTORE)')).toEqual({
      mailbox: 'x',
      condstore: true,
      resync: undefined,
    });
    expect(parse('SELECT x (QRESYNC (67 90 41:43 (1 5)))')).toMatchObject({
      resync: {
        uidValidity: 67,
        modSequence: 90,
        knownUids: set(41, 43),
        match: { numbers: set(1), uids: set(5) },
      },
    });
    expect(parse('SELECT x (QRESYNC (67 90))')).toMatchObject({
      resync: { knownUids: undefined, match: undefined },
    });
    expect(parse('SELECT x (QRESYNC (67 90 1:*))')).toBe('Invalid sequence set');
  });

  test('are created for a use', () => {
    expect(parse('CREATE x (USE (\\Sent \\Drafts))')).toEqual({
      mailbox: 'x',
      uses: ['\\Sent', '\\Drafts'],
    });
  });

  test('are listed, plainly and in the extended form', () => {
    expect(parse('LIST "" %')).toEqual({
      selection: [],
      reference: '',
      patterns: ['%'],
      returns: undefined,
      status: [],
      extended: false,
    });
    expect(
      parse('LIST (SUBSCRIBED RECURSIVEMATCH) "" ("a*" b.%) RETURN (CHILDREN STATUS (MESSAGES))'),
    ).toEqual({
      selection: ['SUBSCRIBED', 'RECURSIVEMATCH'],
      reference: '',
      patterns: ['a*', 'b.%'],
      returns: ['CHILDREN'],
      status: ['MESSAGES'],
      extended: true,
    });
    expect(parse('LIST (RECURSIVEMATCH) "" *')).toEqual(expect.any(String));
    expect(parse(`LIST "" ${'*%'.repeat(2000)}x`)).toBe('[LIMIT] Pattern too long');
  });

  test('have a status', () => {
    expect(parse('STATUS x (uidnext MESSAGES UIDNEXT)')).toEqual({
      mailbox: 'x',
      items: ['UIDNEXT', 'MESSAGES'],
    });
    expect(parse('STATUS x ()')).toBe('Empty list');
    expect(parse('STATUS x (FOO)')).toBe('Unknown STATUS item');
  });
});

describe('FETCH', () => {
  const items = (text: string) =>
    (parse(`FETCH 1 ${text}`) as { items: unknown }).items ?? parse(`FETCH 1 ${text}`);

  test('takes macros and lists', () => {
    expect(items('fast')).toEqual([
      { kind: 'FLAGS' },
      { kind: 'INTERNALDATE' },
      { kind: 'RFC822.SIZE' },
    ]);
    expect(items('(BODY RFC822.HEADER emailid)')).toEqual([
      { kind: 'BODY' },
      { kind: 'RFC822.HEADER' },
      { kind: 'EMAILID' },
    ]);
  });

  test('takes sections', () => {
    expect(items('BODY[]')).toEqual([
      {
        kind: 'section',
        peek: false,
        section: { part: [], text: 'all', fields: [] },
        range: undefined,
      },
    ]);
    expect(items('body.peek[1.2.Header.Fields.Not ("To" cc)]<0.10>')).toEqual([
      {
        kind: 'section',
        peek: true,
        section: { part: [1, 2], text: 'fields-not', fields: ['To', 'cc'] },
        range: { offset: 0, count: 10 },
      },
    ]);
    expect(items('(BODY[4.MIME] BODY[TEXT])')).toMatchObject([
      { section: { part: [4], text: 'mime' } },
      { section: { part: [], text: 'text' } },
    ]);
    expect(items('(BINARY.PEEK[1]<4294967295.4294967295> BINARY.SIZE[2.1])')).toEqual([
      { kind: 'BINARY', peek: true, part: [1], range: { offset: 4294967295, count: 4294967295 } },
      { kind: 'BINARY.SIZE', part: [2, 1] },
    ]);
  });

  test.each([
    'BODY[0]',
    'BODY[]<0.0>',
    'BODY[]<0>',
    'BODY[MIME]',
    'BODY[1.]',
    'BODY[1',
    'BODY[HEADER.FIELDS ()]',
    'BODY[HEADER.FIELDS ("a:b")]',
    'BODY[HEADER.FIELDS ({4}\r\na\r\nb)]',
    'BODY[]<99999999999999999999.1>',
    `BODY[1${'.1'.repeat(5000)}]`,
    `BODY[HEADER.FIELDS (${'x '.repeat(5000)}x)]`,
    '()',
    'FOO',
    '(ALL)',
    'FLAGS)',
    '(FLAGS',
  ])('refuses %.60j', (text) => {
    expect(parse(`FETCH 1 ${text}`)).toEqual(expect.any(String));
  });

  test('takes modifiers and previews', () => {
    expect(parse('UID FETCH 1:* FLAGS (CHANGEDSINCE 5 VANISHED PARTIAL -1:-100)')).toMatchObject({
      changedSince: 5,
      vanished: true,
      partial: { first: -1, last: -100 },
    });
    expect(parse('UID FETCH 1 FLAGS (VANISHED)')).toEqual(expect.any(String));
    expect(items('(PREVIEW (LAZY) PREVIEW)')).toEqual([
      { kind: 'PREVIEW', lazy: true },
      { kind: 'PREVIEW', lazy: false },
    ]);
    expect(items('SNIPPET (FUZZY)')).toEqual([{ kind: 'SNIPPET', lazy: false }]);
  });
});

describe('STORE', () => {
  test('changes flags', () => {
    expect(parse('STORE 3:1 (UNCHANGEDSINCE 7) +flags.silent (\\seen $Junk $junk)')).toEqual({
      set: set(1, 3),
      unchangedSince: 7,
      change: 'add',
      silent: true,
      flags: ['\\Seen', '$Junk'],
    });
    expect(parse('STORE $ FLAGS \\Deleted x')).toMatchObject({
      set: { kind: 'saved' },
      change: 'replace',
      flags: ['\\Deleted', 'x'],
    });
    expect(parse('STORE 1 -FLAGS ()')).toMatchObject({ change: 'remove', flags: [] });
  });

  test.each(['\\Recent', '\\Foo', '\\', 'k'.repeat(300), '"x"', '\xe9', `(${'x '.repeat(5000)}x)`])(
    'refuses the flag %.40j',
    (flag) => {
      expect(parse(`STORE 1 FLAGS ${flag}`)).toEqual(expect.any(String));
    },
  );
});

describe('SEARCH', () => {
  const key = (text: string) =>
    (parse(`SEARCH ${text}`) as { key?: unknown }).key ?? parse(`SEARCH ${text}`);

  test('is a tree', () => {
    expect(key('OR NOT SEEN (FROM "a" 2:4) UID 7')).toEqual({
      kind: 'and',
      keys: [
        {
          kind: 'or',
          keys: [
            { kind: 'not', key: { kind: 'flag', flag: '\\Seen', set: true } },
            {
              kind: 'and',
              keys: [
                { kind: 'header', name: 'From', value: 'a' },
                { kind: 'sequence', set: set(2, 4) },
              ],
            },
          ],
        },
        { kind: 'uid', set: set(7) },
      ],
    });
    expect(key('SENTSINCE 1-Feb-2024 MODSEQ "/flags/\\\\seen" all 9')).toEqual({
      kind: 'and',
      keys: [
        { kind: 'date', of: 'sent', relation: 'since', day: Date.UTC(2024, 1, 1) },
        { kind: 'modseq', least: 9 },
      ],
    });
    expect(key('HEADER X-Y ""')).toEqual({ kind: 'header', name: 'X-Y', value: '' });
    expect(key('SUBJECT NIL')).toEqual({ kind: 'header', name: 'Subject', value: 'NIL' });
  });

  test('says what to return, and in which charset the strings are', () => {
    expect(parse('UID SEARCH RETURN () ALL')).toMatchObject({ options: { what: ['ALL'] } });
    expect(
      parse('SEARCH RETURN (MIN SAVE PARTIAL 20:1) CHARSET "UTF-8" TEXT {2}\r\n\xc3\xbc'),
    ).toEqual({
      options: { what: ['MIN', 'SAVE'], partial: { first: 1, last: 20 } },
      charset: 'utf-8',
      key: { kind: 'text', value: '\xc3\xbc' },
    });
    expect(parse('SEARCH RETURN (ALL PARTIAL 1:2) ALL')).toEqual(expect.any(String));
    expect(parse('SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL')).toEqual(expect.any(String));
    expect(parse('SEARCH RETURN (PARTIAL 1:-2) ALL')).toEqual(expect.any(String));
  });

  test.each([
    '',
    'FOO',
    'NOT',
    'OR ALL',
    '(ALL',
    'ALL)',
    '()',
    'ON 31-Feb-2024',
    'ON 1-Foo-2024',
    'LARGER -1',
    '0',
    'OLDER 0',
    'EMAILID "a b"',
    'KEYWORD \\Seen',
    'ALL ',
    'constructor',
  ])('refuses %j', (text) => {
    expect(parse(`SEARCH ${text}`)).toEqual(expect.any(String));
  });

  test.each([
    ['deep NOT', `${'NOT '.repeat(10_000)}ALL`],
    ['deep OR', `${'OR ALL '.repeat(5000)}ALL`],
    ['deep parentheses', '('.repeat(60_000)],
    ['many keys', `ALL${' ALL'.repeat(5000)}`],
  ])('is bounded: %s', (_what, text) => {
    expect(parse(`SEARCH ${text}`)).toBe('[TOOBIG] Search too complex');
  });

  test('may be nested as clients do', () => {
    expect(key(`${'OR ALL '.repeat(50)}ALL`)).toMatchObject({ kind: 'or' });
  });

  test('also sorts and threads', () => {
    expect(parse('SORT (REVERSE DATE SUBJECT) utf-8 ALL')).toEqual({
      options: undefined,
      criteria: [
        { by: 'DATE', reverse: true },
        { by: 'SUBJECT', reverse: false },
      ],
      charset: 'utf-8',
      key: { kind: 'all' },
    });
    expect(parse('UID THREAD references US-ASCII ALL')).toEqual({
      algorithm: 'REFERENCES',
      charset: 'us-ascii',
      key: { kind: 'all' },
    });
    expect(parse('SORT () UTF-8 ALL')).toBe('Empty list');
    expect(parse('THREAD X UTF-8 ALL')).toBe('Unknown threading algorithm');
  });
});

describe('APPEND', () => {
  test('has messages with flags and dates', () => {
    expect(parse('APPEND x (\\Seen) " 1-Feb-2024 01:02:03 +0130" {2}\r\nab {0+}\r\n')).toEqual({
      mailbox: 'x',
      messages: [
        {
          flags: ['\\Seen'],
          date: { milliseconds: Date.UTC(2024, 0, 31, 23, 32, 3), zone: 90 },
          parts: [{ kind: 'data', index: 0, size: 2, binary: false }],
          utf8: false,
        },
        {
          flags: [],
          date: undefined,
          parts: [{ kind: 'data', index: 1, size: 0, binary: false }],
          utf8: false,
        },
      ],
    });
    expect(parse('APPEND x UTF8 (~{1}\r\n\0)')).toMatchObject({
      messages: [{ utf8: true, parts: [{ binary: true }] }],
    });
    expect(parse('APPEND x CATENATE (URL "/u" TEXT {1}\r\na)')).toMatchObject({
      messages: [
        {
          parts: [
            { kind: 'url', url: '/u' },
            { kind: 'data', index: 0 },
          ],
        },
      ],
    });
  });

  test.each([
    'APPEND x',
    'APPEND x ',
    'APPEND x (\\Seen)',
    'APPEND x "31-Feb-2024 00:00:00 +0000" {1}\r\na',
    'APPEND x "01-Feb-2024 24:00:00 +0000" {1}\r\na',
    'APPEND x {1}\r\na ',
    'APPEND x {1}\r\nab',
    'APPEND x CATENATE () ',
    'APPEND x (\\Recent) {1}\r\na',
  ])('refuses %j', (text) => {
    expect(parse(text)).toEqual(expect.any(String));
  });

  test('says where the message shall go before it is read', () => {
    const reader = new CommandReader(AFTER_LOGIN);
    reader.push(bytesOf('a UID REPLACE 5 "Entw&APw-rfe" (\\Seen) {100}\r\n'));
    const event = reader.next();
    if (event?.kind !== 'message') throw new Error('not announced');
    expect(parseAppendTarget(event.pieces, false)).toEqual({
      name: 'UID REPLACE',
      tag: 'a',
      mailbox: 'Entwürfe',
    });
    expect(parse('UID REPLACE 5 x {1}\r\na')).toMatchObject({
      number: 5,
      mailbox: 'x',
      message: { parts: [{ index: 0 }] },
    });
  });
});

describe('extensions', () => {
  test('have their arguments', () => {
    expect(parse('ENABLE condstore X-Y')).toEqual({ capabilities: ['CONDSTORE', 'X-Y'] });
    expect(parse('SETACL x user=bob +lr')).toEqual({
      mailbox: 'x',
      identifier: 'user=bob',
      change: 'add',
      rights: 'lr',
    });
    expect(parse('SETACL x bob {4}\r\nlrx\n')).toBe('Invalid rights');
    expect(parse('SETACL x {3}\r\na\nb lr')).toBe('Invalid identifier');
    expect(parse('SETQUOTA "" (STORAGE 512)')).toEqual({
      root: '',
      limits: new Map([['STORAGE', 512]]),
    });
    expect(parse('COMPRESS deflate')).toEqual({ algorithm: 'DEFLATE' });
    expect(parse('CANCELUPDATE "a1" "a2"')).toEqual({ tags: ['a1', 'a2'] });
  });

  test('metadata options stand before or after the mailbox', () => {
    const expected = {
      mailbox: 'INBOX',
      maxSize: 10,
      depth: 'infinity',
      entries: ['/shared/comment'],
    };
    expect(parse('GETMETADATA (MAXSIZE 10 DEPTH infinity) INBOX /shared/comment')).toEqual(
      expected,
    );
    expect(parse('GETMETADATA INBOX (MAXSIZE 10 DEPTH infinity) (/SHARED/comment)')).toEqual(
      expected,
    );
    expect(parse('SETMETADATA "" (/private/a NIL /private/b ~{1}\r\n\0)')).toEqual({
      mailbox: '',
      values: new Map([
        ['/private/a', undefined],
        ['/private/b', '\0'],
      ]),
    });
    for (const entry of ['/x', '/private/', '/private//a', '"/private/a*"', '/shared/\xe9'])
      expect(parse(`GETMETADATA x ${entry}`)).toEqual(expect.any(String));
    expect(parse('SETMETADATA x (/private NIL)')).toEqual(expect.any(String));
  });

  test('all annotations below a root can be asked for', () => {
    expect(parse('GETMETADATA (DEPTH infinity) x /Private')).toMatchObject({
      depth: 'infinity',
      entries: ['/private'],
    });
  });

  test('notifications are groups of events', () => {
    expect(parse('NOTIFY NONE')).toEqual({ status: false, groups: [] });
    expect(parse('NOTIFY SET STATUS (selected MessageNew (UID FLAGS) MessageExpunge)')).toEqual(
      expect.any(String),
    );
    expect(
      parse(
        'NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge)) (subtree (a b) NONE)',
      ),
    ).toEqual({
      status: true,
      groups: [
        {
          mailboxes: { kind: 'selected' },
          events: ['MessageNew', 'MessageExpunge'],
          items: [{ kind: 'UID' }, { kind: 'FLAGS' }],
        },
        { mailboxes: { kind: 'subtree', names: ['a', 'b'] }, events: [], items: [] },
      ],
    });
    expect(parse('NOTIFY SET (personal (MessageNew))')).toEqual(expect.any(String));
  });

  test('events that nobody knows are left to the server, which must say NO and not BAD', () => {
    expect(parse('NOTIFY SET (personal (mailboxname Sunrise))')).toMatchObject({
      groups: [{ events: ['MailboxName', 'Sunrise'] }],
    });
  });
});

test('a date is written as it is read', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(1970, 0, 2) / 1000, max: Date.UTC(9999, 11, 30) / 1000 }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      (seconds, zone) => {
        const date = { milliseconds: seconds * 1000, zone };
        expect(parse(`APPEND x "${formatDateTime(date)}" {1}\r\na`)).toMatchObject({
          messages: [{ date }],
        });
      },
    ),
  );
});
