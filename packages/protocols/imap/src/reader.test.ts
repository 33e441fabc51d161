import { bytesOf, textOf } from '@q/bytes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AFTER_LOGIN,
  BEFORE_LOGIN,
  type CommandPiece,
  CommandReader,
  type ReaderEvent,
  type ReaderLimits,
  refusalReply,
} from './index.ts';

function pieceText(piece: CommandPiece): string {
  if (piece.kind === 'message') return `<message ${piece.index}: ${piece.size}>`;
  const text = textOf(piece.bytes);
  return piece.kind === 'text' ? text : `<${piece.binary ? 'binary' : 'literal'} ${text}>`;
}

function eventText(event: ReaderEvent): string {
  switch (event.kind) {
    case 'command':
      return event.pieces.map(pieceText).join('');
    case 'continue':
      return '+';
    case 'message':
      return `message ${event.index}: ${event.size}${event.binary ? ' binary' : ''}${event.synchronising ? '' : ' at once'}`;
    case 'line':
      return `line ${textOf(event.bytes)}`;
    case 'data':
      return textOf(event.bytes);
    case 'refused':
      return refusalReply(event).trimEnd();
  }
}

/** What comes out of `chunks`, the data of each message joined; `decline` says which messages are not taken. */
function read(
  chunks: readonly Buffer[],
  limits: ReaderLimits = AFTER_LOGIN,
  decline: (size: number) => boolean = () => false,
): string[] {
  const reader = new CommandReader(limits);
  const out: string[] = [];
  let data = '';
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.kind === 'data') {
        data += textOf(event.bytes);
        if (event.last) out.push(`data ${data}`);
        if (event.last) data = '';
        continue;
      }
      out.push(eventText(event));
      if (event.kind !== 'message') continue;
      if (decline(event.size)) reader.decline();
      else reader.accept();
    }
  }
  return out;
}

/** `text` cut into pieces of `size` bytes. */
function cut(text: string, size: number): Buffer[] {
  const bytes = bytesOf(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/** In one piece and byte by byte: both must give the same. */
function both(text: string, limits?: ReaderLimits, decline?: (size: number) => boolean): string[] {
  const whole = read([bytesOf(text)], limits, decline);
  expect(read(cut(text, 1), limits, decline)).toEqual(whole);
  return whole;
}

describe('commands', () => {
  test('come out one by one, however many are in a packet', () => {
    expect(both('a NOOP\r\nb CAPABILITY\r\n')).toEqual(['a NOOP', 'b CAPABILITY']);
  });

  test('may end with a bare LF, as some clients and people send', () => {
    expect(both('a NOOP\nb NOOP\r\n')).toEqual(['a NOOP', 'b NOOP']);
  });

  test('wait for their end', () => {
    expect(both('a NOOP\r')).toEqual([]);
  });

  test('have literals in between; a continuation is asked for only when the client waits', () => {
    expect(both('a LOGIN {4}\r\nu\r\nx {3+}\r\na{1\r\n', BEFORE_LOGIN)).toEqual([
      '+',
      'a LOGIN <literal u\r\nx> <literal a{1>',
    ]);
    expect(both('a X ~{2}\r\n\0\n {0}\r\n\r\n')).toEqual([
      '+',
      '+',
      'a X <binary \0\n> <literal >',
    ]);
  });

  test.each(['{-1}', '{+1}', '{1.5}', '{ 1}', '{}', '{+}', '{1}x', 'x}'])(
    'do not take %s for a literal',
    (end) => {
      expect(both(`a LOGIN ${end}\r\nb NOOP\r\n`)).toEqual([`a LOGIN ${end}`, 'b NOOP']);
    },
  );

  test('may have zeros before the size of a literal', () => {
    expect(both(`a X {${'0'.repeat(40)}2}\r\nhi\r\n`)).toEqual(['+', 'a X <literal hi>']);
  });
});

describe('a literal that is too large', () => {
  test.each(['4294967295', '99999999999999999999', '18446744073709551617', '1'.repeat(60)])(
    'of %s bytes ends the connection before login',
    (size) => {
      for (const plus of ['', '+'])
        expect(both(`t LOGIN {${size}${plus}}\r\nb NOOP\r\n`, BEFORE_LOGIN)).toEqual([
          '* BYE [TOOBIG] Command too large',
        ]);
    },
  );

  test('is refused after login, and the session goes on: a client that waits does not send it', () => {
    expect(both('t SELECT {1000000}\r\nb NOOP\r\n')).toEqual([
      't BAD [TOOBIG] Command too large',
      'b NOOP',
    ]);
  });

  test('is read over when the client sends it in any case, with what else belongs to its command', () => {
    const sent = `t X {80000+}\r\n${'z NOOP\r\n'.repeat(10_000)} {3+}\r\na\r\n {9}\r\nb NOOP\r\n`;
    expect(both(sent)).toEqual(['t BAD [TOOBIG] Command too large', 'b NOOP']);
  });

  test('closes the connection when it cannot be read over', () => {
    expect(both('t X {1000000000+}\r\nb NOOP\r\n')).toEqual(['* BYE [TOOBIG] Command too large']);
    expect(both('t X {99999999999999999999+}\r\nb NOOP\r\n')).toHaveLength(1);
  });

  test('is also one of many that together are', () => {
    const one = ` {4000+}\r\n${'x'.repeat(4000)}`;
    expect(read([bytesOf(`t X${one.repeat(70)}\r\nb NOOP\r\n`)])).toEqual([
      't BAD [TOOBIG] Command too large',
      'b NOOP',
    ]);
  });
});

describe('a line that is too long', () => {
  test('ends the connection before login, when the limit is reached and not when the line ends', () => {
    const reader = new CommandReader(BEFORE_LOGIN);
    const events: ReaderEvent[] = [];
    for (let i = 0; i < 1000; i++) {
      reader.push(Buffer.alloc(64 * 1024, '('));
      for (let event = reader.next(); event !== undefined; event = reader.next())
        events.push(event);
    }
    expect(events.map(eventText)).toEqual(['* BYE [TOOBIG] Command too large']);
  });

  test('is refused with its tag after login', () => {
    const long = `t UID FETCH ${'1,3,'.repeat(20_000)}5 FLAGS`;
    for (const size of [1, 1000, 65_536, 1_000_000])
      expect(read(cut(`${long}\r\nb NOOP\r\n`, size))).toEqual([
        't BAD [TOOBIG] Command too large',
        'b NOOP',
      ]);
  });

  test('does not let the literal at its end pass for a command', () => {
    const long = 'x'.repeat(70_000);
    expect(both(`t ${long} {8+}\r\nz NOOP\r\n\r\nb NOOP\r\n`)).toEqual([
      't BAD [TOOBIG] Command too large',
      'b NOOP',
    ]);
    expect(both(`t ${long} {${'9'.repeat(100)}+}\r\nz NOOP\r\n`)).toHaveLength(1);
  });

  test('closes the connection when it does not end', () => {
    expect(read(cut(`t ${'x'.repeat(2_000_000)}`, 4096))).toEqual([
      '* BYE [TOOBIG] Command too large',
    ]);
  });
});

describe('bytes that no command has', () => {
  test.each([BEFORE_LOGIN, AFTER_LOGIN])('are BAD, and the session goes on', (limits) => {
    expect(both('t LO\0GIN\r\nb NOOP\r\n', limits)).toEqual([
      't BAD NUL or CR in command',
      'b NOOP',
    ]);
    expect(both('t NO\rOP\r\nb NOOP\r\n', limits)).toEqual([
      't BAD NUL or CR in command',
      'b NOOP',
    ]);
    expect(both('t X {3}\r\na\0b\r\nb NOOP\r\n', limits)).toEqual([
      '+',
      't BAD NUL or CR in command',
      'b NOOP',
    ]);
  });

  test.each(['+x', 'a\x1b', '"a"', 'é', '(', 'x'.repeat(129)])(
    'in place of a tag do not come back: %s',
    (tag) => {
      expect(both(`${tag} NO\0OP\r\n`)).toEqual(['* BAD NUL or CR in command']);
    },
  );
});

describe('messages', () => {
  test('are announced, then streamed, and leave their place in the command', () => {
    expect(both('a APPEND x (\\Seen) {5}\r\nab\r\nc\r\nb NOOP\r\n')).toEqual([
      'message 0: 5',
      '+',
      'data ab\r\nc',
      'a APPEND x (\\Seen) <message 0: 5>',
      'b NOOP',
    ]);
  });

  test('may be several, binary, UTF8, and of no bytes', () => {
    expect(both('a append {1}\r\nx {0}\r\n (\\Draft) ~{2+}\r\n\0\0 UTF8 (~{1}\r\nz)\r\n')).toEqual([
      '+',
      'message 0: 0',
      '+',
      'data ',
      'message 1: 2 binary at once',
      'data \0\0',
      'message 2: 1 binary',
      '+',
      'data z',
      'a append <literal x> <message 0: 0> (\\Draft) <message 1: 2> UTF8 (<message 2: 1>)',
    ]);
  });

  test('are the texts of CATENATE, but not its URLs', () => {
    expect(both('a APPEND x CATENATE (URL {2}\r\n/u TEXT {1}\r\nt)\r\n')).toEqual([
      '+',
      'message 0: 1',
      '+',
      'data t',
      'a APPEND x CATENATE (URL <literal /u> TEXT <message 0: 1>)',
    ]);
  });

  test('replace others, in a mailbox whose name may be a literal', () => {
    for (const command of ['REPLACE 4', 'uid replace 4'])
      expect(both(`a ${command} {1}\r\nx {2}\r\nhi\r\n`)).toEqual([
        '+',
        'message 0: 2',
        '+',
        'data hi',
        `a ${command} <literal x> <message 0: 2>`,
      ]);
  });

  test('may be larger than anything that is held', () => {
    const body = 'm'.repeat(3_000_000);
    const out = read(cut(`a APPEND x {3000000+}\r\n${body}\r\nb NOOP\r\n`, 60_000));
    expect(out[1]).toBe(`data ${body}`);
    expect(out.slice(2)).toEqual(['a APPEND x <message 0: 3000000>', 'b NOOP']);
  });

  test('are not taken before login', () => {
    expect(both('a APPEND x {5000}\r\n', BEFORE_LOGIN)).toEqual([
      '* BYE [TOOBIG] Command too large',
    ]);
  });

  test('may be declined: a client that waits does not send it, what comes at once is read over', () => {
    const decline = (size: number) => size > 10;
    for (const plus of ['', '+']) {
      const sent = plus === '' ? '' : 'z NOOP\r\n12345 {1+}\r\n\n\r\n';
      const text = `a APPEND x {1+}\r\nm {13${plus}}\r\n${sent}b NOOP\r\n`;
      expect(both(text, AFTER_LOGIN, decline)).toEqual([
        'message 0: 1 at once',
        'data m',
        `message 1: 13${plus === '' ? '' : ' at once'}`,
        'a BAD Message refused',
        'b NOOP',
      ]);
    }
    // However large, nothing of it is held, and the client is to learn why.
    const large = `a APPEND x {5000000+}\r\n${'m'.repeat(5_000_000)}\r\nb NOOP\r\n`;
    expect(read(cut(large, 60_000), AFTER_LOGIN, decline).slice(1)).toEqual([
      'a BAD Message refused',
      'b NOOP',
    ]);
    const endless = 'a APPEND x {2000000000+}\r\nb NOOP\r\n';
    expect(both(endless, AFTER_LOGIN, decline)[1]).toMatch(/^\* BYE/);
  });

  test('of a size that cannot be counted are refused without asking', () => {
    expect(both('a APPEND x {99999999999999999999}\r\nb NOOP\r\n')).toEqual([
      'a BAD [TOOBIG] Command too large',
      'b NOOP',
    ]);
  });
});

describe('a line that is asked for', () => {
  test('is given as it is, and the next is a command again', () => {
    const reader = new CommandReader(BEFORE_LOGIN);
    reader.push(bytesOf('a AUTHENTICATE PLAIN\r\nAGEAYg== {5+}\r\nb NOOP\r\n'));
    expect(eventText(reader.next() as ReaderEvent)).toBe('a AUTHENTICATE PLAIN');
    reader.expectLine();
    expect(eventText(reader.next() as ReaderEvent)).toBe('line AGEAYg== {5+}');
    expect(eventText(reader.next() as ReaderEvent)).toBe('b NOOP');
    expect(reader.next()).toBeUndefined();
  });

  test('has no tag: a refusal does not show what might be a password', () => {
    const reader = new CommandReader(AFTER_LOGIN);
    reader.expectLine();
    reader.push(bytesOf('secret\0\r\n'));
    const event = reader.next();
    expect(event).toMatchObject({ kind: 'refused', tag: undefined });
    expect(event?.kind === 'refused' && refusalReply(event, 'a')).toBe(
      'a BAD NUL or CR in command\r\n',
    );
  });
});

test('input that was not read can be taken back', () => {
  const reader = new CommandReader(BEFORE_LOGIN);
  reader.push(bytesOf('a STARTTLS\r\nb NOOP'));
  reader.push(bytesOf('\r\n'));
  expect(reader.next()?.kind).toBe('command');
  expect(textOf(reader.takeRest())).toBe('b NOOP\r\n');
  expect(reader.next()).toBeUndefined();
});

test('the cuts of the network change nothing', () => {
  const part = fc.constantFrom(
    'a NOOP',
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    'a APPEND x ',
    '{3}',
    '{3+}',
    '~{2+}',
    '{5000+}',
    'URL ',
    'abc',
    '{0}',
    '{99999999999999999999}',
    '{99999999+}',
    'q'.repeat(300),
  );
  const small = {
    ...AFTER_LOGIN,
    lineMax: 400,
    commandMax: 900,
    literalMax: 500,
    discardMax: 2000,
  };
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      (parts, sizes, early) => {
        const text = parts.join('');
        const limits = early ? { ...small, messages: false, discardMax: 0 } : small;
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < text.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          chunks.push(bytesOf(text.slice(at, at + size)));
          at += size;
        }
        const whole = read([bytesOf(text)], limits);
        expect(read(chunks, limits)).toEqual(whole);
        expect(read(cut(text, 1), limits)).toEqual(whole);
      },
    ),
    { numRuns: 300 },
  );
});
