// How slowly passwords may be guessed, and what remembering that may cost. Each number with its reason.

/** Milliseconds before the first wrong password is answered; also what hides how fast it was found wrong. */
export const ANSWER_FIRST = 1000;

/** The longest such wait, in milliseconds: it holds one of the client's few connections that long. */
export const ANSWER_MAX = 15_000;

/** Wrong passwords of an address that change nothing for its next login: a person who tries to remember. */
export const ADDRESS_FREE = 3;

/** Logins of an address under way at a time that count as one wrong password: a whole office starts work with fewer. */
export const PENDING_PER_FAILURE = 10;

/** Milliseconds between two logins that an address with one failure too many may try; doubles with each more. */
export const ADDRESS_STEP = 1000;

/** The longest such time, in milliseconds: four guesses a minute, however many connections there are. */
export const ADDRESS_STEP_MAX = 15_000;

/** Whose turn is further away than this, in milliseconds, is sent away: clients give up after a minute or so. */
export const TURN_MAX = 20_000;

/** Wrong passwords for an account, from wherever, that change nothing for it. */
export const ACCOUNT_FREE = 10;

/**
 * Milliseconds that a login to an account under attack waits, from an address it never came from. No queue: its
 * user, in a hotel, waits no longer than this.
 */
export const ACCOUNT_WAIT = 4000;

/** Milliseconds without a failure after which an address or an account starts anew. */
export const MEMORY = 600_000;

/** Milliseconds for which an address is remembered as one from which an account's user comes: a month. */
export const KNOWN_MEMORY = 30 * 86_400_000;

/** Addresses, and accounts, remembered; the one that failed longest ago is forgotten first. 10 000 cost about 1 MB. */
export const FAILURES_MAX = 10_000;

/** Pairs of account and address remembered; about 150 bytes each. */
export const KNOWN_MAX = 50_000;
