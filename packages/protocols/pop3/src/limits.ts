// What a POP3 peer may make us hold. Each number with its reason.

/**
 * Longest command line in bytes, without CRLF. RFC 2449 section 4 allows 255; checkpassword's 512 on fd 3
 * is what a long password must fit in, so this is where a line stops being anyone's honest wish.
 */
export const COMMAND_LINE_MAX = 512;

/** Bad commands in a row before the connection is closed. A person who types by hand makes a few. */
export const BAD_COMMANDS_MAX = 20;

/** Longest unique-id in bytes: RFC 1939 section 7. */
export const UID_MAX = 70;

/** Bytes of answers to pipelined commands that are held to leave together. */
export const QUEUED_MAX = 64 * 1024;
