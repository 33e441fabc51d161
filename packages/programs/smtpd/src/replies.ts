// Every sentence the SMTP server says, in one place: qmail-smtpd's own words, and ours where it has none.

/** Fixed replies, without the line end. */
export const REPLY = {
  ok: '250 ok',
  flushed: '250 flushed',
  goAhead: '354 go ahead',
  verify: "252 send some mail, i'll try my best",
  help: '214 notqmail home page: https://notqmail.org',

  unimplemented: '502 unimplemented (#5.5.1)',
  syntax: '555 syntax error (#5.5.4)',
  nul: '500 syntax error: NUL in command (#5.5.2)',
  lineTooLong: '500 line too long (#5.5.2)',
  mailFirst: '503 MAIL first (#5.5.1)',
  rcptFirst: '503 RCPT first (#5.5.1)',

  badMailFrom: '553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)',
  notMine: "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
  tooManyRecipients: '452 too many recipients (#4.5.3)',
  looping: '554 too many hops, this message is looping (#5.4.6)',
  tooBig: '552 sorry, that message size exceeds my databytes limit (#5.3.4)',
  headerTooBig: '552 sorry, that message header is too big (#5.3.4)',
  noQueue: '451 qqt failure (#4.3.0)',

  bareLf: '451 See https://cr.yp.to/docs/smtplf.html.',
  timeout: '451 timeout (#4.4.2)',
  noControls: '421 unable to read controls (#4.3.0)',
  internal: '421 internal error (#4.3.0)',
  stopping: '421 service is stopping, try again later (#4.3.2)',
  busy: '421 too many connections, try again later (#4.3.2)',
  tooManyBad: '421 too many bad commands (#4.7.0)',
} as const;

/** What accepting a message is answered with; `qp` is the number the queue's log has for it. */
export function queuedReply(unixTime: number, qp: string): string {
  return `250 ok ${Math.floor(unixTime)} qp ${qp}`;
}

/** The queue's refusal: D is permanent, anything else temporary. See queueExitText. */
export function queueReply(text: string): string {
  return `${text.startsWith('D') ? '554' : '451'} ${text.slice(1)}`;
}
