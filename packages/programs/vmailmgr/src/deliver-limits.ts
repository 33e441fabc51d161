// Bounds of vdeliver's own messages, each with its reason.

/** Seconds within which a mailbox that goes up and down around a percentage gets no second warning. */
export const WARNING_SECONDS = 86_400;

/** Bytes of a hook that are searched for what it runs: a script, or the beginning of a program. */
export const HOOK_SEARCHED = 65_536;
