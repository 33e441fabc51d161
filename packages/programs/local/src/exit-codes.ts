// Exit codes by which qmail-getpw, and the child that becomes qmail-local, tell qmail-lspawn what was in
// the way; qmail-getpw's own are in @q/users. qmail-lspawn(8).

export const LOCAL_EXIT = {
  /** A bug, or rights that could not be given up. */
  BUG: 112,
  /** The address belongs to uid 0. */
  ROOT: 113,
  /** qmail-local could not be executed; it may work later. */
  EXEC_SOFT: 120,
  /** qmail-getpw could not be executed. */
  EXEC_GETPW: 121,
  /** qmail-local could not be executed, and that will not change by itself. */
  EXEC_HARD: 126,
  /** env(1) found no node, or a library was missing: an upgrade in progress, as likely as not. */
  INTERPRETER: 127,
  /** node itself failed before the program began. */
  NODE: 1,
} as const;
