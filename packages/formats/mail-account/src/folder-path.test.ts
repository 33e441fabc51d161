import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkNewPath, directoryOf, parsePath, pathOfDirectory } from './folder-path.ts';
import { NameFault } from './index.ts';
import { type NamespaceKind, Naming, type Space } from './namespace.ts';
import { assignPaths } from './tree.ts';

const codeOf = (run: () => unknown) => {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return error instanceof NameFault ? error.code : error;
  }
};

/** Attack rows J1 to J4, as names that the client's form was taken off. */
test.each([
  ['../../etc', 'CANNOT', 'CANNOT'],
  ['/etc/passwd', 'CANNOT', 'CANNOT'],
  ['INBOX.a/../../b', 'CANNOT', 'CANNOT'],
  ['INBOX...b', 'CANNOT', 'CANNOT'],
  ['INBOX..b', 'CANNOT', 'CANNOT'],
  ['INBOX.a/b', 'CANNOT', 'CANNOT'],
  ['INBOX.', 'CANNOT', 'CANNOT'],
  ['a.', 'CANNOT', 'CANNOT'],
  ['', 'CANNOT', 'CANNOT'],
  ['a//b', 'CANNOT', 'CANNOT'],
  ['/', 'CANNOT', 'CANNOT'],
  ['#shared/', 'CANNOT', 'CANNOT'],
  ['~root', 'accepted', 'CANNOT'],
  ['%2e%2e', 'accepted', 'CANNOT'],
  ['cur', 'accepted', 'CANNOT'],
  ['INBOX.cur', 'CANNOT', 'accepted'],
  ['inbox', 'accepted', 'accepted'],
  ['InBoX.x', 'CANNOT', 'accepted'],
  ['InBoX/x', 'accepted', 'CANNOT'],
  ['a\u0001', 'CANNOT', 'CANNOT'],
  ['a\nb', 'CANNOT', 'CANNOT'],
  ['a\u0085', 'CANNOT', 'CANNOT'],
  ['a\u2028', 'CANNOT', 'CANNOT'],
  ['\ud800', 'CANNOT', 'CANNOT'],
  ['a\ufffd', 'CANNOT', 'CANNOT'],
  ['é'.repeat(127), 'accepted', 'CANNOT'],
  ['é'.repeat(128), 'LIMIT', 'CANNOT'],
  [`INBOX.${'x'.repeat(255)}`, 'CANNOT', 'LIMIT'],
  ['x'.repeat(10_000), 'LIMIT', 'LIMIT'],
  [Array(500).fill('a').join('/'), 'LIMIT', 'CANNOT'],
])("as a name %j is %s in the modern namespace and %s in Courier's", (name, modern, courier) => {
  expect(codeOf(() => new Naming('modern').parse(name))).toBe(modern);
  expect(codeOf(() => new Naming('courier').parse(name))).toBe(courier);
});

test.each([
  ['a*b', 'CANNOT'],
  ['100%', 'CANNOT'],
  // Could be read as "é" and "R&D".
  ['&AOk-', 'CANNOT'],
  ['R&-D', 'CANNOT'],
  ['R&D', 'accepted'],
  ['&Jjo!', 'accepted'],
  ['é', 'accepted'],
])('as a new folder %j is %s', (name, code) => {
  expect(codeOf(() => checkNewPath([name]))).toBe(code);
});

test('texts that are canonically the same are one folder', () => {
  expect(parsePath('e\u0301', '.')).toEqual(['\u00e9']);
  expect(pathOfDirectory('.e\u0301')).toEqual(['\u00e9']);
});

const level = fc.oneof(
  fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }),
  fc.string({
    minLength: 1,
    maxLength: 8,
    unit: fc.constantFrom('&', '-', 'A', 'O', 'k', 'é', 'R'),
  }),
  fc.constantFrom('INBOX', 'inbox', '#shared', '#public', 'Trash', 'e\u0301'),
);
const paths = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => {
  try {
    return parsePath(levels.join('/'), '/');
  } catch {
    return ['fallback'];
  }
});

test('a new folder is read back from its directory by the path it was made with', () => {
  fc.assert(
    fc.property(paths, (path) => {
      fc.pre(codeOf(() => checkNewPath(path)) === 'accepted');
      expect(pathOfDirectory(directoryOf(path))).toEqual(path);
    }),
    { numRuns: 500 },
  );
});

test('a name in either namespace comes back from what it was taken apart into', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<NamespaceKind>('modern', 'courier'),
      fc.constantFrom<Space>('personal', 'shared', 'linked'),
      paths,
      (kind, space, path) => {
        const naming = new Naming(kind);
        const name = naming.format({ space, path });
        fc.pre(name !== undefined);
        expect(naming.parse(name as string)).toEqual({ space, path });
      },
    ),
    { numRuns: 500 },
  );
});

test('every directory has one path at most, and every path one directory', () => {
  const directory = fc
    .string({
      minLength: 1,
      maxLength: 6,
      unit: fc.constantFrom('&', '-', 'A', 'O', 'k', 'é', 'e\u0301', '.', 'R', 'D'),
    })
    .map((name) => `.${name}`);
  const several = fc.uniqueArray(directory, { maxLength: 12 });
  fc.assert(
    fc.property(several, (directories) => {
      const assigned = assignPaths(directories);
      const used = [...assigned.values()];
      expect(new Set(used).size).toBe(used.length);
      for (const key of assigned.keys()) expect(parsePath(key, '.').join('.')).toBe(key);
      // What UTF-8 says plainly is never another's.
      for (const name of directories) {
        const path = pathOfDirectory(name);
        if (path.length > 0 && directoryOf(path) === name)
          expect(assigned.get(path.join('.'))).toBe(name);
      }
      // The order in which the disk names them changes nothing.
      expect([...assignPaths([...directories].reverse())].sort()).toEqual([...assigned].sort());
    }),
    { numRuns: 500 },
  );
});

test.each<[string, readonly string[], Record<string, string>]>([
  [
    'old and new names side by side',
    ['.T&AOk-st', '.Arch', '.é.x'],
    { Tést: '.T&AOk-st', Arch: '.Arch', 'é.x': '.é.x' },
  ],
  [
    'a twin is shown by its letters',
    ['.T&AOk-st', '.Tést'],
    { Tést: '.Tést', 'T&AOk-st': '.T&AOk-st' },
  ],
  ['another form of the same text comes last', ['.e\u0301', '.é'], { é: '.é' }],
  ['or alone', ['.e\u0301'], { é: '.e\u0301' }],
  ['no folders', ['..', '.', '.a..b', '.a.', '.\u0001', '.a\ufffd'], {}],
  [
    'letters that are no code are letters',
    ['.&AAE-', '.R&D', '.&&'],
    { '&AAE-': '.&AAE-', 'R&D': '.R&D', '&&': '.&&' },
  ],
])('%s', (_what, directories, expected) => {
  expect(Object.fromEntries(assignPaths(directories))).toEqual(expected);
});
