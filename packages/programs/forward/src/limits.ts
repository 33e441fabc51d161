// What one message may cost these programs. Each number with its reason.

/**
 * Commands that one message may lead to, all lists together: what an envelope of the queue can hold is of this size. A
 * table that leads to more is a mistake, or somebody's attack.
 */
export const COMMANDS_MAX = 1_000_000;

/** Bytes of a .forward file. One that people wrote has hundreds. */
export const FORWARD_FILE_MAX = 1024 * 1024;
