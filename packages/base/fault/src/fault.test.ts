import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { errnoOf, errnoText, faultOf, isTemporaryErrno, Permanent, Temporary } from './index.ts';

const systemError = (code: string) => Object.assign(new Error(`${code}: raw`), { code });

test('a full disk is temporary and a missing file is permanent', () => {
  expect(faultOf(systemError('ENOSPC'), 'unable to write x')).toBeInstanceOf(Temporary);
  expect(faultOf(systemError('ENOENT'), 'unable to open x')).toBeInstanceOf(Permanent);
  expect(faultOf(systemError('ENOENT'), 'unable to open x').message).toBe(
    'unable to open x: no such file or directory',
  );
});

test('an error that nobody foresaw is temporary, so that no bug loses mail', () => {
  expect(faultOf(new TypeError('x is not a function'), 'bug').exitCode).toBe(111);
  expect(faultOf('a thrown string', 'bug').message).toBe('bug: a thrown string');
  expect(
    faultOf(Object.assign(new Error('y'), { code: 'ERR_INVALID_ARG_TYPE' }), 'bug'),
  ).toBeInstanceOf(Temporary);
});

test('a fault keeps its class, its message and its own exit code', () => {
  const fault = new Permanent('no', { exitCode: 31 });
  expect(faultOf(fault, 'ignored')).toBe(fault);
  expect(fault.exitCode).toBe(31);
  expect(new Temporary('x').exitCode).toBe(111);
  expect(new Permanent('x').exitCode).toBe(100);
});

test('the soft list is qmail-compatible: EAGAIN soft, EACCES and ELOOP hard', () => {
  expect(['EAGAIN', 'EMFILE', 'EDQUOT', 'ESTALE'].every(isTemporaryErrno)).toBe(true);
  expect(['EACCES', 'EPERM', 'ELOOP', 'ENOTDIR'].some(isTemporaryErrno)).toBe(false);
});

test('errno text has no path in it', () => {
  expect(
    errnoText(
      Object.assign(new Error("ENOENT: no such file or directory, open '/etc/x'"), {
        code: 'ENOENT',
      }),
    ),
  ).toBe('no such file or directory');
});

test('an errno that Node has no name for has one here', () => {
  const unknown = (errno: number) => ({ code: `Unknown system error ${errno}`, errno });
  const { EDQUOT, ESTALE, ENOLCK } = constants.errno;
  const errors = [EDQUOT, ESTALE, ENOLCK].map((errno) => unknown(-errno));
  expect(errors.map(errnoOf)).toEqual(['EDQUOT', 'ESTALE', 'ENOLCK']);
  expect(errnoOf(unknown(-99_999))).toBeUndefined();
  expect(errnoOf({ code: 'ERR_INVALID', errno: 5 })).toBeUndefined();
});
