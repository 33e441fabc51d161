// Bounds of remote delivery, each with its reason: name servers and mail servers are strangers.

/** Mail exchangers of one domain whose addresses are looked up, best first. Nobody needs more; some publish 1000. */
export const EXCHANGERS_MAX = 20;

/** Addresses of one domain that are tried. At timeoutconnect 60 the last is reached within 40 minutes. */
export const ADDRESSES_MAX = 40;

/** Milliseconds a name server has for its first answer; the resolver doubles it with each try. */
export const DNS_TIMEOUT_MS = 5000;

/** Times each name server is asked. */
export const DNS_TRIES = 3;

/** Bytes of qmail-remote's output that qmail-rspawn keeps: two reports of one reply each fit many times over. */
export const OUTPUT_KEPT = 65536;

/** Milliseconds QUIT may take to leave this machine. Its answer is not waited for. */
export const QUIT_MS = 1000;

/** A message up to this many bytes is read once and kept; 120 of them at a time are 8 MB. */
export const MESSAGE_KEPT = 65536;

/** The longest answer to one recipient in QMTP; a server that says more is not speaking it. */
export const QMTP_ANSWER_MAX = 5000;
