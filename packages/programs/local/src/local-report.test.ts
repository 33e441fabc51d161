import { expect, test } from 'vitest';
import { localReport } from './local-report.ts';

test.each<[number, string]>([
  [0, 'Ktext\n'],
  [99, 'Dtext\n'],
  [100, 'Dtext\n'],
  [2, 'Dtext\n'],
  [111, 'Ztext\n'],
  [71, 'Ztext\n'],
  [74, 'Ztext\n'],
  [75, 'Ztext\n'],
  [112, 'ZInternal qmail-lspawn bug.\n'],
  [113, 'ZNot allowed to perform deliveries as root.\n'],
  [115, 'ZNFS failure in qmail-local.\n'],
  [116, 'ZUnable to find alias user!\n'],
  [117, 'ZTrouble reading users/cdb in qmail-lspawn.\n'],
  [118, 'ZTemporary failure in qmail-lspawn.\n'],
  [119, 'ZOut of memory in qmail-lspawn.\n'],
  [120, 'ZUnable to run qmail-local.\n'],
  [121, 'ZUnable to run qmail-getpw.\n'],
  [126, 'DUnable to run qmail-local.\n'],
])('exit code %i is reported as %j', (code, report) => {
  expect(localReport({ code }, 'text\n')).toBe(report);
});

test('an interpreter that could not start is no reason to bounce', () => {
  expect(localReport({ code: 127 }, 'env: node: not found\n')).toMatch(/^Z/);
  expect(localReport({ code: 1 }, 'Cannot find module\n')).toMatch(/^Z/);
});

test('a crash is reported as such, whatever was printed', () => {
  expect(localReport({ signal: 'SIGKILL' }, 'text\n')).toBe('Zqmail-local crashed.\n');
});

test('output ends at its first NUL and is cut when it is too long', () => {
  expect(localReport({ code: 100 }, 'no\0way')).toBe('Dno');
  const cut = localReport({ code: 0 }, 'x'.repeat(3000), true);
  expect(cut).toBe(`K${'x'.repeat(2966)}\nError report too long, sorry.\n`);
  expect(localReport({ code: 0 }, 'x'.repeat(3000))).toBe(`K${'x'.repeat(3000)}`);
});
