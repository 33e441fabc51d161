// The numbers of checkpassword(8): part of the interface, not ours to choose.

/** Most bytes on descriptor 3. */
export const CREDENTIALS_MAX = 512;

/** Exit codes of a checker that does not run its program. */
export const EXIT_REFUSED = 1;
export const EXIT_MISUSED = 2;
export const EXIT_TEMPORARY = 111;
