// What a client that has not logged in may cost. Each number with its reason.

/** Seconds without a byte: qmail-popup's alarm. */
export const IDLE_SECONDS = 1200;

/** Seconds from greeting to password, however busily the client trickles: a person types faster. */
export const LOGIN_SECONDS = 180;
