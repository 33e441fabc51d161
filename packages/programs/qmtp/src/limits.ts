// Every bound of this package, with its reason. The longest netstring is in @q/qmtp, hops in @q/message.

/** An address, in bytes: qmail's servers take less than 1000, RELAYCLIENT's value included. */
export const ADDRESS_MAX = 999;

/** Seconds one connection may last: qmail-qmtpd's and qmail-qmqpd's own alarm. */
export const SESSION_SECONDS = 3600;

/** Bytes an address costs us beside its own length. */
export const ADDRESS_COST = 32;

/** What the recipients of a QMTP message, from a stranger, may cost: some 35,000 of usual length. */
export const QMTP_RECIPIENTS_COST = 2 * 1024 * 1024;

/** The same for QMQP, whose clients are ours: half a million. Mailing lists send one message to all subscribers. */
export const QMQP_RECIPIENTS_COST = 32 * 1024 * 1024;

/** Answers gathered before they go out, in bytes. */
export const ANSWERS_AT_ONCE = 16 * 1024;

/** Of the message qmail-qmqpc holds so much in memory, in bytes; a larger one goes through a file. */
export const KEPT_IN_MEMORY = 1024 * 1024;

/** Bytes read from that file at once. */
export const BLOCK = 65_536;

/** The longest answer of a QMQP server; one that says more is not speaking it. */
export const ANSWER_MAX = 5000;

/** The addresses that qmail-qmqpc sends, in bytes: all of them are held, since their length goes first. */
export const ADDRESSES_MAX = 64 * 1024 * 1024;

/** Seconds qmail-qmqpc waits for a connection. */
export const CONNECT_SECONDS = 10;

/** Seconds it waits for a server to take more bytes, and for its answer. */
export const SERVER_SECONDS = 60;
