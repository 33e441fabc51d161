// Bounds of the maildir tools, each with its reason.

/** Bytes of a first line looked at for Return-Path: an address has at most 1003, quoted not twice as many. */
export const FIRST_LINE_MAX = 4096;

/** Bytes of a From_ or header line that are kept for looking at; longer lines are copied whole all the same. */
export const LINE_KEPT = 4096;

/** Bytes gathered before a write(2). */
export const WRITE_SIZE = 65_536;

/** Characters of subject and body that maildirwatch shows of a message: two lines of a terminal. */
export const SUMMARY_TEXT = 158;

/** Characters of an address or From field that maildirwatch shows. */
export const SUMMARY_FIELD = 998;

/** Seconds between two summaries of maildirwatch. */
export const WATCH_SECONDS = 30;
