// Every sentence of the QMTP and QMQP servers: qmail's own, and ours where it has none. The first letter
// is the verdict: K taken, Z not now, D never.

export const TEXT = {
  badSender: 'Dunacceptable sender (#5.1.7)',
  badRecipient: "Dsorry, I can't handle that recipient (#5.1.3)",
  notMine: "Dsorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
  badAddress: "Dsorry, I can't accept addresses like that (#5.1.3)",
  tooBig: 'Dsorry, that message size exceeds my databytes limit (#5.3.4)',
  looping: 'Dtoo many hops, this message is looping (#5.4.6)',
  laterRecipient: 'Zsorry, too many recipients in one message (#4.5.3)',
  tooManyRecipients: 'Dsorry, too many recipients in one request (#5.5.3)',
} as const;

/** What a message that is on disk is answered with; `qp` is the number the queue's log has for it. */
export function takenText(unixTime: number, qp: string): string {
  return `Kok ${Math.floor(unixTime)} qp ${qp}`;
}
