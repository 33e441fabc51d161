import { expect, test } from 'vitest';
import { remoteReport } from './rspawn-report.ts';

test.each<[string, string]>([
  ['r\0K1.2.3.4 accepted message.\n\0', 'K1.2.3.4 accepted message.\n'],
  ['r\0Zfailed after\n\0', 'Zfailed after\n'],
  ['r\0Dfailed after\n\0', 'Dfailed after\n'],
  ['hno such user\n\0DGiving up.\n\0', 'Dno such user\nGiving up.\n'],
  ['sbusy\n\0DGiving up.\n\0', 'Zbusy\nGiving up.\n'],
  ['hno\n\0Kaccepted\n\0', 'Dno\n'],
  ['sbusy\n\0Kaccepted\n\0', 'Zbusy\n'],
  ['hno\n\0Zdied\n\0', 'Dno\n'],
  ['ZSorry\n\0', 'ZSorry\n'],
  ['DSorry\n\0', 'DSorry\n'],
  ['r\0', 'D'],
  ['Zcut off', 'D'],
  ['', 'Zqmail-remote produced no output.\n'],
])('the output %j becomes %j', (output, report) => {
  expect(remoteReport({ code: 0 }, output)).toBe(report);
});

test('a qmail-remote that did not run has its own report', () => {
  expect(remoteReport({ signal: 'SIGSEGV' }, 'Kok\0')).toBe('Zqmail-remote crashed.\n');
  expect(remoteReport({ code: 111 }, '')).toBe('ZUnable to run qmail-remote.\n');
  expect(remoteReport({ code: 100 }, '')).toBe('DUnable to run qmail-remote.\n');
  expect(remoteReport({ code: 127 }, 'env: no node')).toBe('ZUnable to run qmail-remote.\n');
});
