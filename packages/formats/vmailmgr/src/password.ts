// Password hashes of virtual and system users.
//
//   $1$ $5$ $6$ $y$ .. and DES   whatever crypt(3) of the C library knows
//   $0$PASSWORD                  in clear, on purpose: APOP, CRAM-MD5 and SCRAM need the password itself
//   3 and 32 hex digits          unsalted MD5, from the first years of VMailMgr
//   *... !... or nothing         no password matches
//
// New hashes are yescrypt, or sha512-crypt where the C library has no yescrypt: VMailMgr and every other
// program that asks crypt(3) of the same host verifies them.

import { createHash, timingSafeEqual } from 'node:crypto';
import { bytesOf, textOf } from '@q/bytes';
import { Permanent, Temporary } from '@q/fault';
import { crypt, cryptAsync, gensalt } from '@q/posix';
import { PASSWORD_MAX } from './limits.ts';

const CLEAR = '$0$';

/** Methods for new hashes, best first, with their cost (0: the library's own choice, for yescrypt a good one). */
const METHODS = [
  { prefix: '$y$', rounds: 0 },
  { prefix: '$6$', rounds: 200_000 },
] as const;

/** What a password is measured against where there is no hash: it costs the same time and never matches. */
const NOBODY = ['$y$j9T$no.such.user.no.such$', '$6$rounds=200000$no.such.user.no.$'];

/**
 * A salted hash of the password's bytes. Throws Permanent for a password that cannot be one: empty, longer
 * than PASSWORD_MAX, or with NUL, CR or LF, which the protocols could not carry.
 */
export function hashPassword(password: Uint8Array): string {
  checkNew(password);
  for (const setting of newSettings()) {
    const hash = crypt(password, setting);
    if (hash !== undefined) return hash;
  }
  throw noMethod();
}

/** The same in a thread of the pool, for many at a time. */
export async function hashPasswordAsync(password: Uint8Array): Promise<string> {
  checkNew(password);
  for (const setting of newSettings()) {
    const hash = await cryptAsync(password, setting);
    if (hash !== undefined) return hash;
  }
  throw noMethod();
}

/** The password in clear, for logins that never show it. Throws as hashPassword does. */
export function clearPassword(password: Uint8Array): string {
  checkNew(password);
  return `${CLEAR}${textOf(password)}`;
}

/** True for a password that is stored in clear, which somebody did on purpose: no program does so by itself. */
export function isClearPassword(stored: string | undefined): boolean {
  return stored?.startsWith(CLEAR) === true && stored.length > CLEAR.length;
}

/** The password inside of one that is stored in clear. */
export function secretOf(stored: string): Buffer {
  return bytesOf(stored.slice(CLEAR.length));
}

/** True for a hash that `hashPassword` would not make today; false for what is no hash: in clear, or matched by nothing. */
export function isOutdatedHash(stored: string): boolean {
  return (
    !isLocked(stored) &&
    !stored.startsWith(CLEAR) &&
    !METHODS.some(({ prefix }) => stored.startsWith(prefix))
  );
}

/**
 * True when the password is the one that `stored` was made from. Blocks for as long as the hash costs. To
 * refuse takes that long too where there is no hash: no such user (`stored` undefined), a locked one, or a password in clear.
 */
export function verifyPassword(password: Uint8Array, stored: string | undefined): boolean {
  if (!isUsable(password)) return false;
  const own = ownMethod(password, stored);
  if (own === true) return true;
  if (own === false || stored === undefined || isLocked(stored)) {
    NOBODY.some((setting) => crypt(password, setting) !== undefined);
    return false;
  }
  return isEqual(crypt(password, stored), stored);
}

/** The same in a thread of the pool, for servers. */
export async function verifyPasswordAsync(
  password: Uint8Array,
  stored: string | undefined,
): Promise<boolean> {
  if (!isUsable(password)) return false;
  const own = ownMethod(password, stored);
  if (own === true) return true;
  if (own === false || stored === undefined || isLocked(stored)) {
    for (const setting of NOBODY)
      if ((await cryptAsync(password, setting)) !== undefined) return false;
    return false;
  }
  return isEqual(await cryptAsync(password, stored), stored);
}

// --- internal ---

function checkNew(password: Uint8Array): void {
  if (!isUsable(password) || password.includes(10) || password.includes(13))
    throw new Permanent('the password is empty, too long, or has a NUL or line end in it');
}

/** Fresh salts, for the best method first. */
function* newSettings(): Generator<string> {
  for (const { prefix, rounds } of METHODS) {
    const setting = gensalt(prefix, rounds);
    if (setting?.startsWith(prefix)) yield setting;
  }
}

function noMethod(): Temporary {
  return new Temporary('the C library has no strong password hash');
}

function isUsable(password: Uint8Array): boolean {
  return password.length > 0 && password.length <= PASSWORD_MAX && !password.includes(0);
}

/** The hash field of an account that nobody is to get into, by whatever means: what passwd -l and usermod -L leave. */
export function isBarred(stored: string): boolean {
  return stored.startsWith('!');
}

/** The hash field of a locked or disabled account. A NUL could only cut a hash short. */
function isLocked(stored: string): boolean {
  return stored === '' || /^[*!]|\0/.test(stored);
}

/** The answer for the two forms crypt(3) does not know; undefined for all others. */
function ownMethod(password: Uint8Array, stored: string | undefined): boolean | undefined {
  if (stored?.startsWith(CLEAR)) return isEqual(`${CLEAR}${textOf(password)}`, stored);
  if (stored !== undefined && /^3[0-9a-f]{32}$/.test(stored))
    return isEqual(`3${createHash('md5').update(password).digest('hex')}`, stored);
  return undefined;
}

/** Compares digests, so that neither the place of the first difference nor the length shows in the time. */
function isEqual(computed: string | undefined, stored: string): boolean {
  if (computed === undefined) return false;
  return timingSafeEqual(digest(computed), digest(stored));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'latin1').digest();
}
