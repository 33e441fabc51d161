// crypt(3) from libcrypt: the only code that verifies every hash of /etc/shadow, yescrypt included.

import { Permanent } from '@q/fault';
import { type CFunction, cFunction } from './libc.ts';

const LIBRARY = 'libcrypt.so.1';
/** sizeof(struct crypt_data) of libxcrypt; the library refuses a smaller area. */
const CRYPT_DATA_BYTES = 32768;

/**
 * The hash of `password` (bytes without NUL) under `setting` (a stored hash, or a salt of gensalt), or
 * undefined when the library does not know or allow the method. Blocks for as long as the method costs.
 */
export function crypt(password: Uint8Array, setting: string): string | undefined {
  const data = Buffer.alloc(CRYPT_DATA_BYTES);
  return hashOf(cryptRn()(cString(password), setting, data, data.length));
}

/** The same in a thread of the pool, so that a server's other sessions go on meanwhile. */
export function cryptAsync(password: Uint8Array, setting: string): Promise<string | undefined> {
  const data = Buffer.alloc(CRYPT_DATA_BYTES);
  const phrase = cString(password);
  return new Promise((resolve, reject) => {
    cryptRn().async(phrase, setting, data, data.length, (error: Error | null, hash: unknown) =>
      error ? reject(error) : resolve(hashOf(hash)),
    );
  });
}

/**
 * A fresh random setting for `prefix` ("$y$" yescrypt, "$6$" sha512-crypt), at the library's default cost
 * when `rounds` is 0; undefined when it does not know the method.
 */
export function gensalt(prefix: string, rounds = 0): string | undefined {
  const make = cFunction(
    'const char *crypt_gensalt(const char *prefix, unsigned long count, const void *rbytes, int nrbytes)',
    LIBRARY,
  );
  return hashOf(make(prefix, rounds, null, 0));
}

function cryptRn(): CFunction {
  return cFunction(
    'const char *crypt_rn(const uint8_t *phrase, const char *setting, uint8_t *data, int size)',
    LIBRARY,
  );
}

/** libxcrypt answers "*0" or "*1" for a failure where it does not answer null. */
function hashOf(result: unknown): string | undefined {
  return typeof result === 'string' && !result.startsWith('*') ? result : undefined;
}

function cString(bytes: Uint8Array): Buffer {
  if (bytes.includes(0)) throw new Permanent('password with NUL');
  return Buffer.concat([bytes, Buffer.alloc(1)]);
}
