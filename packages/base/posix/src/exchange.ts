// renameat2(2) with RENAME_EXCHANGE: two names change what they lead to, in one step.

import { cFunction, lastErrno, systemError } from './libc.ts';

const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;

/**
 * Lets `one` and `other` (paths without NUL, both there) change places; nobody ever finds either missing. False where
 * the file system cannot do it. Throws a system error for anything else.
 */
export function exchangeNames(one: Uint8Array, other: Uint8Array): boolean {
  const rename = cFunction(
    'int renameat2(int olddirfd, const uint8_t *oldpath, int newdirfd, const uint8_t *newpath, unsigned int flags)',
  );
  const end = Buffer.alloc(1);
  const [from, to] = [one, other].map((path) => Buffer.concat([path, end]));
  if (rename(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) === 0) return true;
  if (['EINVAL', 'ENOSYS'].includes(lastErrno())) return false;
  throw systemError('renameat2');
}
