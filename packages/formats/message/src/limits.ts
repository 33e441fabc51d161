// Bounds on what a message can make us hold or do, and why.

/** Received and Delivered-To fields that make a message a loop (qmail-smtpd's number; RFC 5321, 6.3 asks for 100). */
export const HOPS_MAX = 100;

/** How much of a header line its reader gets, in bytes. Above a Delivered-To line with the longest envelope address (1002). */
export const HEADER_LINE_KEPT = 2048;

/** Longest piece of a peer's own text in a Received line, in bytes: a domain name has at most 255 (RFC 1035, 3.1). */
export const PEER_TEXT_MAX = 255;
