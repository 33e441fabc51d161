// Bounds on alias tables and mailing lists, and why.

/** Bytes of a recipient address, as fastforward has always had it; below what an envelope takes (1002). */
export const ADDRESS_MAX = 800;

/**
 * Bytes of one instruction, or of a logical line of /etc/aliases: a list of a hundred thousand addresses fits. What is
 * longer is no alias, but a file that is something else.
 */
export const INSTRUCTION_MAX = 16 * 1024 * 1024;

/** Bytes of a text or a binary list that is read whole. */
export const LIST_MAX = 64 * 1024 * 1024;
