// What the dialogues with the programs (test/forward.test.ts) do not reach: pieces, odd bytes, generated input.

import { bytesOf, textOf } from '@q/bytes';
import type { CdbEntry } from '@q/cdb';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  aliasEntries,
  type Command,
  decodeCommands,
  encodeCommands,
  type Hosts,
  InstructionReader,
  includeCommands,
  instructionText,
  listText,
  parseForwardFile,
  parseListLine,
  targetsOf,
} from './index.ts';
import { parseRecipients } from './recipients.ts';

const HOSTS: Hosts = {
  defaultHost: 'host.test',
  defaultDomain: 'dd.test',
  plusDomain: 'plus.test',
};

const bytesBut = (pattern: RegExp, min: number) =>
  fc
    .array(fc.integer({ min: 1, max: 255 }), { minLength: min, maxLength: 30 })
    .map((codes) => String.fromCharCode(...codes).replace(pattern, 'x'));

const command: fc.Arbitrary<Command> = fc.oneof(
  bytesBut(/\n/g, 1).map((address): Command => ({ kind: 'forward', address })),
  fc.record({
    kind: fc.constant('program' as const),
    command: bytesBut(/\0/g, 0),
    withLines: fc.boolean(),
  }),
  bytesBut(/\n/g, 0).map((path): Command => ({ kind: 'list', path: `/${path}` })),
);

function entriesOf(text: string, cut = text.length): CdbEntry[] {
  const reader = new InstructionReader();
  const bytes = bytesOf(text);
  const entries: CdbEntry[] = [];
  for (let at = 0; at < bytes.length; at += Math.max(1, cut))
    entries.push(...reader.push(bytes.subarray(at, at + Math.max(1, cut))));
  reader.end();
  return entries;
}

describe('commands', () => {
  test('any commands are read as they were written, and no beginning of them is', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 5 }), (commands) => {
        const bytes = encodeCommands(commands);
        expect(decodeCommands(bytes, { onlyLists: false })).toEqual(commands);
        if (bytes.length > 0)
          expect(decodeCommands(bytes.subarray(0, -1), { onlyLists: false })).toBeUndefined();
      }),
    );
  });

  test('any bytes are commands or not; a list never has programs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const commands = decodeCommands(Buffer.from(bytes), { onlyLists: true });
        for (const { kind } of commands ?? []) expect(['forward', 'list']).toContain(kind);
      }),
    );
  });
});

describe('instructions', () => {
  test('what is printed sets the same, however the text is cut', () => {
    const target = bytesBut(/[A-Z]/g, 0);
    fc.assert(
      fc.property(
        target,
        fc.array(command, { minLength: 1, maxLength: 4 }),
        fc.nat(9),
        (name, commands, cut) => {
          const key = bytesOf(`:${name}`);
          const data = encodeCommands(commands);
          const text = instructionText(key, data);
          expect(entriesOf(text as string, cut)).toEqual([[`:${name}`, data]]);
          const owner = instructionText(bytesOf(`?${name}`), bytesOf(name));
          expect(entriesOf(owner as string, cut)).toEqual([[`?${name}`, name]]);
        },
      ),
    );
  });

  test('any text is instructions or an error, never anything else', () => {
    fc.assert(
      fc.property(bytesBut(/\0/g, 0), (text) => {
        try {
          entriesOf(text);
        } catch (error) {
          expect((error as Error).name).toBe('Permanent');
        }
      }),
    );
  });

  test('an instruction without an end is an error before it fills the memory', () => {
    const reader = new InstructionReader();
    const piece = Buffer.alloc(1024 * 1024, 'x');
    expect(() => {
      for (let i = 0; i < 20; i++) reader.push(piece);
    }).toThrow('instructions over');
  });
});

test('mailing lists: lines and commands are the same both ways', () => {
  for (const [line, text] of [
    ['a@b \t', '&a@b'],
    ['&&x', '&&x'],
    ['/p q', '/p q'],
    ['./p', './p'],
    ['|x', '&|x'],
    [' x', '& x'],
  ]) {
    const parsed = parseListLine(line as string) as Command;
    expect(listText(encodeCommands([parsed]))).toBe(`${text}\n`);
  }
  for (const line of ['', ' ', '#x', '\r']) expect(parseListLine(line)).toBeUndefined();
});

test('the targets of an address: itself, anybody there, that user anywhere', () => {
  expect(targetsOf('a@b@c')).toEqual(['a@b@c', '@c', 'a@b@']);
  expect(targetsOf('a')).toEqual(['a']);
  expect(targetsOf('@')).toEqual(['@', '@', '@']);
});

describe('files of sendmail', () => {
  const include = (text: string) => textOf(encodeCommands([...includeCommands(text, HOSTS)]));

  test.each([
    ['ann', '&ann@host.test\0'],
    ['ann@h', '&ann@h.dd.test\0'],
    ['ann@h+', '&ann@h.plus.test\0'],
    ['ann@h.x.', '&ann@h.x\0'],
    ['ann@', '&ann@host.test\0'],
    ['"a@b"@c.d', '&a@b@c.d\0'],
    ['"a@b"', '&a@b@host.test\0'],
    ['ann@[192.0.2.1]', '&ann@[192.0.2.1]\0'],
    ['Ann (c) <@r,@s:ann@x.y>', '&ann@x.y\0'],
    ['"|x"@y.z', '&|x@y.z\0'],
    ['"/x"@y.z', '&/x@y.z\0'],
    ['":include:x"@y.z', '&:include:x@y.z\0'],
    [':include:x.y/z', './x.y/z.bin\0'],
    [':include:"/a b", ann@x.y', '&ann@x.y\0/a b.bin\0'],
    ['a@x.y;b@x.y:c@x.y', '&c@x.y\0&b@x.y\0&a@x.y\0'],
    ['(only a comment)', ''],
  ])('%s is %j', (text, commands) => {
    expect(include(text)).toBe(commands);
  });

  test.each([':include: <x>', '"open', '(open', ']a', 'a>'])('%s cannot be read', (text) => {
    expect(() => include(text)).toThrow(`unable to parse this line: ${text}`);
  });

  test('any text ends in records, or in an error that is exit code 111', () => {
    const word = fc.constantFrom(
      'a',
      'b@c',
      '"',
      '(',
      ')',
      '<',
      '>',
      ':',
      ';',
      ',',
      '@',
      '.',
      '[',
      ']',
      '|',
      '/',
      ' ',
      '\n',
      '\\',
      ':include:',
      '\xe9',
      '#',
      'owner-',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        for (const read of [
          () => [...aliasEntries(words.join(''), HOSTS)],
          () => [...includeCommands(words.join(''), HOSTS)],
          () => parseForwardFile(words.join(''), HOSTS, { name: 'a', host: 'host.test' }),
        ]) {
          try {
            read();
          } catch (error) {
            expect((error as { exitCode?: number }).exitCode).toBe(111);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a line of a million characters, or of brackets, is read in time that grows with it', () => {
    expect([...aliasEntries(`a: ${'x@y.z, '.repeat(100_000)}`, HOSTS)].length).toBe(1);
    expect(parseRecipients('('.repeat(1_000_000))).toBeUndefined();
    expect(parseRecipients('<'.repeat(100_000))?.length ?? 0).toBeLessThan(2);
    expect(() => [...aliasEntries(`a: b${'\n '.repeat(9_000_000)}`, HOSTS)]).toThrow(
      'line is too long',
    );
  });

  test('owner-NAME is the owner of NAME, at its own host or anywhere, and an alias too', () => {
    const keys = [...aliasEntries('Owner-l: a@x.y\nowner-m@h.i: b@x.y\nowner-: c@x.y\n', HOSTS)];
    expect(
      keys.map(([key, data]) => [String(key), textOf(Buffer.from(data as Buffer | string))]),
    ).toEqual([
      ['?l@', 'Owner-l@host.test'],
      [':owner-l@', '&a@x.y\0'],
      ['?m@h.i', 'owner-m@h.i'],
      [':owner-m@h.i', '&b@x.y\0'],
      [':owner-@', '&c@x.y\0'],
    ]);
  });
});
