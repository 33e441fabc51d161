// What imaplogin tells those who come after it.

/** Courier's: the tag of the LOGIN or AUTHENTICATE that imapd answers. */
export const LOGIN_TAG = 'IMAPLOGINTAG';

/** The name as it was typed. Not AUTHENTICATED, which would let a module of Courier's chain pass without a password. */
export const LOGIN_USER = 'IMAPLOGINUSER';

/** How many logins have failed on this connection. */
export const LOGIN_TRIES = 'IMAPLOGINTRIES';
