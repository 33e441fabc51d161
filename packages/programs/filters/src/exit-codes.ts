// Exit codes as qmail-local understands them: qmail-command(8).

export const EXIT = {
  /** Done, or "yes" to a question: go on with the next line of the .qmail file. */
  OK: 0,
  /** Done, and the further lines of the file are not for this message. */
  STOP: 99,
  /** Never: the message bounces. Also "no" to a question asked by except and its like. */
  PERMANENT: 100,
  /** Try again later. */
  TEMPORARY: 111,
} as const;
