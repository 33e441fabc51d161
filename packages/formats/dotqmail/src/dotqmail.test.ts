import { bytesOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { candidateNames, type Instruction, ownerNames, parseDotQmail } from './index.ts';

const latin1 = fc.uint8Array({ maxLength: 80 }).map((raw) => Buffer.from(raw).toString('latin1'));

/** The instructions as qmail-local -n shows them, and the text of the error that ends them, if one does. */
function described(text: string, forwardOnly = false): string[] {
  const seen: string[] = [];
  try {
    for (const instruction of parseDotQmail(bytesOf(text), { forwardOnly })) {
      seen.push(describe(instruction));
    }
  } catch (error) {
    expect(error).toBeInstanceOf(Temporary);
    seen.push((error as Error).message);
  }
  return seen;
}

function describe(instruction: Instruction): string {
  switch (instruction.kind) {
    case 'mbox':
    case 'maildir':
      return `${instruction.kind} ${instruction.path}`;
    case 'program':
      return `program ${instruction.command}`;
    case 'forward':
      return `forward ${instruction.address}`;
  }
}

const BLANK = 'Uh-oh: first line of .qmail file is blank. (#4.2.1)';
const FILE = 'Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)';
const PROGRAM = 'Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)';

test('each line is one instruction, in order', () => {
  expect(
    described(
      '# comment\n./Mailbox\n./Maildir/\n/var/mail/joe\n|vacation joe\n&ann@example.net\nbob\n',
    ),
  ).toEqual([
    'mbox ./Mailbox',
    'maildir ./Maildir/',
    'mbox /var/mail/joe',
    'program vacation joe',
    'forward ann@example.net',
    'forward bob',
  ]);
});

test.each([
  ['./Maildir/', ['maildir ./Maildir/']],
  ['./Maildir/ \t ', ['maildir ./Maildir/']],
  ['.', ['mbox .']],
  ['/', ['maildir /']],
  ['|', ['program ']],
  ['| cat  \n', ['program  cat']],
  ['&', ['forward ']],
  ['&  ann ', ['forward   ann']],
  ['&&ann', ['forward &ann']],
  [' ann', ['forward  ann']],
  ['ann, bob', ['forward ann, bob']],
  ['\r\n', ['forward \r']],
  ['#', []],
  ['# only\n# comments\n', []],
  ['+anything\n', []],
  ['a\n\n\n \t\nb\n\n', ['forward a', 'forward b']],
  ['# x\n\na\n', ['forward a']],
  ['a\0b\n', ['forward a']],
  ['caf\xe9@x', ['forward caf\xe9@x']],
])('%j means %j', (text, meaning) => {
  expect(described(text)).toEqual(meaning);
});

test.each(['\n', ' \t\n./Mailbox\n', '', '\n\n', '\0\na\n', '  '])(
  'a blank first line, as in %j, defers the mail',
  (text) => {
    expect(described(text)).toEqual([BLANK]);
  },
);

test('with the x bit set only forwards are taken', () => {
  expect(described('# list\n&ann\nbob\n', true)).toEqual(['forward ann', 'forward bob']);
  expect(described('&ann\n./Mailbox\n&bob\n', true)).toEqual(['forward ann', FILE]);
  expect(described('./Maildir/\n', true)).toEqual([FILE]);
  expect(described('|cat\n', true)).toEqual([PROGRAM]);
});

test('+list forbids deliveries from there on, and what stood before is still done', () => {
  expect(described('./Mailbox\n+list\nann\n|cat\n')).toEqual([
    'mbox ./Mailbox',
    'forward ann',
    PROGRAM,
  ]);
  expect(described('+list \n./Mailbox\n')).toEqual([FILE]);
  expect(described('+lists\n+LIST\n+ list\n./Mailbox\n')).toEqual(['mbox ./Mailbox']);
});

test('a reader that stops early meets no later error', () => {
  const instructions = parseDotQmail(bytesOf('|exit 99\n+list\n|cat\n'), { forwardOnly: false });
  expect(instructions.next().value).toEqual({ kind: 'program', command: 'exit 99' });
  instructions.return();
  expect(instructions.next().done).toBe(true);
});

test('any file parses: no instruction has a NUL, a LF or a blank at its end, and none is lost', () => {
  const line = latin1.map((text) => text.replaceAll('\n', ''));
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), (all, ends) => {
      const text = ['#', ...all].join('\n') + (ends ? '\n' : '');
      const seen = described(text);
      for (const one of seen) expect(one.replace(/^\w+ /, '')).not.toMatch(/[\0\n]/);
      const cut = all.map((raw) => raw.replace(/[ \t]+$/, '').split('\0')[0] as string);
      if (cut.includes('+list')) return;
      expect(seen).toHaveLength(cut.filter((raw) => raw !== '' && !/^[#+]/.test(raw)).length);
    }),
  );
});

test('the names are tried from the most exact to .qmail-default', () => {
  const names = (dash: string, ext: string) => candidateNames(dash, ext).map(({ name }) => name);
  expect(names('-', 'a-b')).toEqual(['.qmail-a-b', '.qmail-a-default', '.qmail-default']);
  expect(names('-', 'a-')).toEqual(['.qmail-a-', '.qmail-a-default', '.qmail-default']);
  expect(names('', '')).toEqual(['.qmail', '.qmaildefault']);
  expect(names('-', '')).toEqual(['.qmail-', '.qmail-default']);
  expect(names('-', 'A.B-C.D')).toEqual(['.qmail-a:b-c:d', '.qmail-a:b-default', '.qmail-default']);
  expect(names('-', '--')).toEqual([
    '.qmail---',
    '.qmail---default',
    '.qmail--default',
    '.qmail-default',
  ]);
  expect(names('-', 'caf\xc9')).toEqual(['.qmail-caf\xc9', '.qmail-default']);
});

test('DEFAULT is what the word default stands for, in its own case', () => {
  const ext = 'List-Sub.User=X';
  expect(
    candidateNames('-', ext).map(({ defaultFrom }) => defaultFrom && ext.slice(defaultFrom)),
  ).toEqual([undefined, 'Sub.User=X', 0]);
  expect(candidateNames('-', 'a-DEFAULT')).toEqual([
    { name: '.qmail-a-default', defaultFrom: 2 },
    { name: '.qmail-a-default', defaultFrom: 2 },
    { name: '.qmail-default', defaultFrom: 0 },
  ]);
  expect(candidateNames('-', 'mydefault')[0]).toEqual({ name: '.qmail-mydefault', defaultFrom: 2 });
});

test('no extension leads above the home directory', () => {
  fc.assert(
    fc.property(fc.oneof(latin1, fc.constantFrom('../../x', '/../x', '..', '-/../')), (ext) => {
      for (const { name } of candidateNames('-', ext)) {
        expect(name.split('/').slice(1)).not.toContain('..');
        expect(name.startsWith('.qmail-')).toBe(true);
      }
      expect(ownerNames('-', ext).owner.split('/')).not.toContain('..');
    }),
  );
});

test('an address has owners for its bounces', () => {
  expect(ownerNames('-', 'My.List')).toEqual({
    owner: '.qmail-my:list-owner',
    ownerDefault: '.qmail-my:list-owner-default',
  });
  expect(ownerNames('', '')).toEqual({
    owner: '.qmail-owner',
    ownerDefault: '.qmail-owner-default',
  });
});
