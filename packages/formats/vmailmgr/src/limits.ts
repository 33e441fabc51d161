// Bounds of logins, records and table updates.

/** A checkpassword block has at most 512 bytes, so no login name or password is longer. */
export const LOGIN_MAX = 512;

/** libxcrypt takes fewer than CRYPT_MAX_PASSPHRASE_SIZE (512) bytes. */
export const PASSWORD_MAX = 511;

/**
 * Longest account name asked for when the base user is searched. Linux allows 32; directories on the network
 * allow more. With LOGIN_MAX dashes an unbounded search would be a burst of look-ups for one login.
 */
export const BASE_USER_MAX = 64;

/** The largest number VMailMgr's 32-bit reader takes as itself; 2^32-1 means unlimited to it. */
export const OLD_NUMBER_MAX = 0xffff_fffe;

/** Settings are a line or a few; a larger file is not one. */
export const SETTING_FILE_MAX = 64 * 1024;

/** More levels or bits than a 32-bit hash has would only lengthen the path. */
export const HASH_BITS_MAX = 32;

/** How long an update waits for other writers before it gives up, in milliseconds. */
export const LOCK_WAIT = 30_000;

/**
 * A passwd.cdb.tmp untouched for this long (milliseconds) belongs to nobody: VMailMgr copies even a large
 * table in a second or two, and writes to it all the time it does.
 */
export const LOCK_STALE = 5 * 60_000;

/** Pause between two looks at a lock that is taken, in milliseconds. */
export const LOCK_POLL = 15;

/** How long a login waits for the table, in milliseconds, to replace an old hash: the next login can do it. */
export const RENEWAL_WAIT = 500;

/** Rounds of PBKDF2 in a SCRAM exchange: RFC 7677 has clients refuse fewer. */
export const SCRAM_ROUNDS_MIN = 4096;

/** Who asks may choose the rounds, and has fewer rights than we: about a tenth of a second. */
export const SCRAM_ROUNDS_MAX = 200_000;
