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

/** Seconds an answer of DNS is kept, if it does not ask for less: a burst of mail for one domain is one question. */
export const NAMES_KEPT_SECONDS = 60;

/** The same where the time is not told: Node hides it for MX, the system for /etc/hosts. */
export const NAMES_KEPT_BLINDLY_SECONDS = 20;

/** "There is no such name" and "not now" are asked again soon: an administrator may be waiting for his change. */
export const NAMES_MISSED_SECONDS = 5;

/** Names kept. A slot asks for few at a time; a mailing list has some hundred domains. */
export const NAMES_KEPT = 2000;

/** A server has our connection for so long after a message. Servers begin to mind at some ten seconds. */
export const IDLE_MS = 5000;

/** Idle connections altogether: with the 120 slots' own files and sockets well below 1024 descriptors. */
export const IDLE_LINES_MAX = 60;

/** Messages over one connection, and its age: then a better exchanger may be back, or the load be spread. */
export const LINE_MESSAGES_MAX = 100;
export const LINE_AGE_MS = 300_000;

/** RSET asks nothing of a server; one that thinks about it for longer gets a new connection. */
export const RESET_SECONDS = 10;

/** Recipients of one transaction if control/remoterecipients does not say: every server takes 100 (RFC 5321 4.5.3.1.8). */
export const RECIPIENTS_MAX = 100;

/**
 * Milliseconds in which the commands for a message's other recipients arrive, at most: those that qmail-send has written
 * together are all there in one turn of the event loop, and a turn without another one ends the wait.
 */
export const GATHER_MS = 5;

/** Milliseconds for which recipients wait for their message's transaction under way, to be the next one. */
export const JOIN_MS = 3000;

/** How long it is remembered that a server does not like so many recipients at once, and of how many servers. */
export const SMALL_BATCH_MS = 600_000;
export const SMALL_BATCHES = 1000;

/** The part of all slots whose connections may be to one destination. */
export const DESTINATION_SHARE = 3 / 4;

/** Milliseconds after which a delivery beyond the share gives its slot back, if all slots are taken. */
export const HOLD_MS = 30_000;

/** How often that is looked at. */
export const HOLD_CHECK_MS = 1000;

/** Milliseconds for which it is not asked again which qmail-remote is installed. */
export const TWIN_CHECK_MS = 1000;

/** Milliseconds for which the addresses of this host's interfaces are kept. */
export const OWN_ADDRESSES_KEPT_MS = 10_000;
