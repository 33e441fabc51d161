// Bounds of QMTP and QMQP.

/** The longest netstring that qmail's servers take, in bytes: a message, or a whole QMQP request. */
export const MESSAGE_MAX = 200_000_000;
